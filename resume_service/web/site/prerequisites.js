// Which lessons a user must complete before another one.

/**
 * The titles of the lessons that the user must complete before this one. A completed lesson needs none.
 * @param {{id: string, prerequisites: string[]}} lesson
 * @param {{has: (id: string) => boolean}} completed the ids of the completed lessons
 * @param {Map<string, string>} titles the titles of all lessons that the user may see, by id
 * @returns {string[]}
 */
export function missingTitles({ id, prerequisites }, completed, titles) {
  if (completed.has(id)) return []
  return titlesOf(prerequisites.filter((each) => !completed.has(each)), titles)
}

/** The titles of these lessons. The course has no title of an unpublished one. */
export function titlesOf(ids, titles) {
  return ids.map((id) => titles.get(id) ?? "a hidden lesson")
}
