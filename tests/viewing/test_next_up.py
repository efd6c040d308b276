"""The list "next up": each test is named after what the viewer expects."""

from __future__ import annotations

from tests.support.viewing_client import LENGTH


def test_after_an_episode_the_next_one_is_next(viewer):
    viewer.add("1x1", "1x2", "1x3")
    viewer.watch("1x1")

    assert viewer.next_up() == ["1x2"]


def test_after_the_last_episode_of_a_season_the_first_of_the_next_season_is_next(viewer):
    viewer.add("1x1", "1x2", "2x1", "2x2")
    viewer.watch("1x1", "1x2")

    assert viewer.next_up() == ["2x1"]


def test_after_the_last_episode_a_series_has_no_next_one(viewer):
    viewer.add("1x1", "1x2")
    viewer.watch("1x1", "1x2")

    assert viewer.next_up() == []


def test_a_special_is_never_next_after_a_regular_episode(viewer):
    viewer.add("0x1", "0x9", "1x1", "1x2")
    viewer.watch("1x1")
    assert viewer.next_up() == ["1x2"]
    viewer.watch("1x2")

    assert viewer.next_up() == []


def test_after_a_special_the_next_unwatched_episode_is_next(viewer):
    viewer.add("0x1", "1x1", "1x2")
    viewer.watch("1x1", "0x1")

    assert viewer.next_up() == ["1x2"]


def test_a_gap_in_the_numbers_is_skipped(viewer):
    viewer.add("1x1", "1x5", "4x2")
    viewer.watch("1x1")
    assert viewer.next_up() == ["1x5"]
    viewer.watch("1x5")

    assert viewer.next_up() == ["4x2"]


def test_numbers_are_compared_as_numbers(viewer):
    viewer.add("1x2", "1x10", "1x9", "10x1", "2x1")
    viewer.watch("1x9")
    assert viewer.next_up() == ["1x10"]
    viewer.watch("1x10")

    assert viewer.next_up() == ["2x1"]


def test_the_episode_watched_last_decides_also_out_of_order(viewer):
    viewer.add("1x1", "1x2", "1x3", "1x4", "1x5")
    viewer.watch("1x4", "1x1")
    assert viewer.next_up() == ["1x2"]
    viewer.watch("1x2", "1x3")

    assert viewer.next_up() == ["1x5"]


def test_of_episodes_watched_at_the_same_time_the_highest_decides(viewer):
    viewer.add("1x1", "1x2", "1x3")
    viewer.watch("1x2")
    viewer.watch("1x1", ageMs=60_000)

    assert viewer.next_up() == ["1x3"]


def test_an_unpublished_or_deleted_episode_is_not_next_until_it_is_back(viewer):
    viewer.add("1x1", "1x2", "1x3", "1x4")
    viewer.watch("1x1")
    viewer.change("1x2", published=False)
    viewer.delete("1x3")
    assert viewer.next_up() == ["1x4"]
    viewer.restore("1x3")
    assert viewer.next_up() == ["1x3"]
    viewer.change("1x2", published=True)

    assert viewer.next_up() == ["1x2"]


def test_a_series_goes_on_after_a_watched_episode_that_is_not_published_any_more(viewer):
    """The response does not show that episode."""
    viewer.add("1x1", "1x2")
    viewer.watch("1x1")
    viewer.delete("1x1")

    [item] = viewer.get("next-up").get_json()["items"]
    assert item["video"]["name"] == "1x2"
    assert item["after"] is None


def test_an_episode_added_later_is_next(viewer):
    viewer.add("1x1", "1x2")
    viewer.watch("1x1", "1x2")
    assert viewer.next_up() == []
    viewer.add("1x3")

    assert viewer.next_up() == ["1x3"]


def test_a_rewatch_is_continued_and_then_leads_to_the_first_unwatched_episode(viewer):
    viewer.add("1x1", "1x2", "1x3")
    viewer.watch("1x1", "1x2")
    viewer.watch("1x1", percent=5)
    assert viewer.next_up() == []
    assert viewer.continuing() == ["1x1"]
    viewer.watch("1x1")

    assert viewer.next_up() == ["1x3"]
    assert viewer.continuing() == []


def test_an_episode_marked_as_not_watched_is_next_again(viewer):
    viewer.add("1x1", "1x2", "1x3")
    viewer.watch("1x1", "1x2")
    viewer.mark("1x2", "watched", undo=True)

    assert viewer.next_up() == ["1x2"]


def test_an_episode_marked_as_watched_is_not_next(viewer):
    viewer.add("1x1", "1x2", "1x3")
    viewer.watch("1x1")
    viewer.mark("1x2", "watched")

    assert viewer.next_up() == ["1x3"]


def test_a_deleted_point_counts_as_never_watched(viewer):
    viewer.add("1x1", "1x2", "1x3")
    viewer.watch("1x1", "1x2")
    viewer.forget("1x2")
    assert viewer.next_up() == ["1x2"]
    viewer.forget("1x1")

    assert viewer.next_up() == []


def test_a_series_with_an_episode_in_progress_has_no_next_one(viewer):
    viewer.add("1x1", "1x2", "1x3", "1x4")
    viewer.watch("1x1")
    viewer.watch("1x2", "1x4", percent=50)

    assert viewer.next_up() == []
    assert viewer.continuing() == ["1x4"]


def test_a_deleted_episode_in_progress_does_not_stop_the_series(viewer):
    viewer.add("1x1", "1x2", "1x3")
    viewer.watch("1x1")
    viewer.watch("1x2", percent=50)
    viewer.delete("1x2")

    assert viewer.next_up() == ["1x3"]
    assert viewer.continuing() == []


def test_a_dismissed_episode_in_progress_is_still_the_next_one(viewer):
    """To remove the series from this list, too, dismiss the series."""
    viewer.add("1x1", "1x2", "1x3")
    viewer.watch("1x1")
    viewer.watch("1x2", percent=50)
    viewer.mark("1x2", "dismissed")

    assert viewer.next_up() == ["1x2"]
    assert viewer.continuing() == []


def test_an_episode_finished_by_a_late_report_is_not_next(viewer):
    """The television delivers the end of the episode after the phone has watched another one."""
    viewer.add("1x1", "1x2", "1x3")
    viewer.watch("1x1")
    viewer.pass_time(hours=2)
    viewer.watch("1x1")
    viewer.watch("1x2", ageMs=3_600_000)

    assert viewer.next_up() == ["1x3"]


def test_a_video_moved_to_another_series_counts_there(viewer):
    viewer.add("1x1", "1x2")
    viewer.add("1x7", "1x8", series=8)
    viewer.watch("1x1")
    viewer.change("1x1", series_id=8, episode_number=7)
    assert viewer.next_up() == ["1x8"]
    viewer.change("1x1", series_id=None, season_number=None, episode_number=None)

    assert viewer.next_up() == []


def test_the_series_watched_last_comes_first(viewer):
    viewer.add("1x1", "1x2")
    viewer.add("2x1", "2x2", series=8)
    viewer.add("3x1", "3x2", series=9)
    viewer.watch("1x1", "3x1", "2x1")

    assert viewer.next_up() == ["2x2", "3x2", "1x2"]
    assert viewer.next_up(limit=2) == ["2x2", "3x2"]


def test_a_series_watched_long_ago_is_still_there(viewer):
    viewer.add("1x1", "1x2", "1x3")
    viewer.add("2x1", "2x2", series=8)
    viewer.watch("1x1", "1x2", "2x1")
    viewer.watch("2x2", percent=50)
    viewer.expire()

    assert viewer.next_up() == ["1x3"]


def test_points_in_redis_replace_older_points_in_the_archive(viewer):
    viewer.add("1x1", "1x2", "1x3", "1x4")
    viewer.watch("1x1", "1x2")
    viewer.watch("1x3", percent=50)
    viewer.expire()
    assert viewer.next_up() == []
    viewer.watch("1x3")
    assert viewer.next_up() == ["1x4"]
    viewer.forget("1x3")

    assert viewer.next_up() == ["1x3"]


def test_an_archived_point_is_gone_as_soon_as_it_is_deleted(viewer):
    viewer.add("1x1", "1x2", "1x3")
    viewer.watch("1x1", "1x2")
    viewer.expire()
    viewer.forget("1x2")
    assert viewer.next_up() == ["1x2"]
    viewer.flush()

    assert viewer.next_up() == ["1x2"]


def test_a_deletion_at_the_time_of_an_archived_point_hides_it(viewer):
    viewer.add("1x1", "1x2", "1x3")
    viewer.watch("1x1", "1x2")
    viewer.flush()
    viewer.redis.delete(f"resume:{viewer.company.guest_id}:{viewer.ids['1x2']}")
    viewer.forget("1x2", ageMs=60_000)

    assert viewer.next_up() == ["1x2"]


def test_a_mark_after_a_deletion_does_not_bring_the_archived_point_back(viewer):
    viewer.add("1x1", "1x2", "1x3")
    viewer.watch("1x1", "1x2")
    viewer.expire()
    viewer.forget("1x2")
    viewer.mark("1x2", "dismissed")

    assert viewer.next_up() == ["1x2"]


def test_an_archived_episode_in_progress_stops_its_series_unless_it_is_dismissed(viewer):
    viewer.add("1x1", "1x2", "1x3")
    viewer.watch("1x1")
    viewer.watch("1x2", percent=50)
    viewer.expire()
    assert viewer.next_up() == []
    viewer.mark("1x2", "dismissed")
    viewer.expire()

    assert viewer.next_up() == ["1x2"]


def test_a_watched_mark_does_not_bring_a_dismissed_series_back(viewer):
    """Only a save does. The same is true when only the archive has the point."""
    viewer.add("1x1", "1x2")
    viewer.mark("1x1", "dismissed")
    viewer.mark("1x1", "watched")
    assert viewer.next_up() == []
    viewer.expire()
    assert viewer.next_up() == []
    viewer.mark("1x1", "dismissed", undo=True)

    assert viewer.next_up() == ["1x2"]


def test_marks_change_points_that_only_the_archive_has(viewer):
    viewer.add("1x1", "1x2", "1x3")
    viewer.watch("1x1", "1x2")
    viewer.expire()
    viewer.mark("1x2", "watched", undo=True)
    assert viewer.next_up() == ["1x2"]
    viewer.expire()

    assert viewer.next_up() == ["1x2"]


def test_episodes_without_a_season_are_in_order_of_their_numbers(viewer):
    viewer.add("1x1", "1x2", "1x3", season_number=None)
    viewer.watch("1x1")

    assert viewer.next_up() == ["1x2"]


def test_a_video_without_an_episode_number_is_never_next(viewer):
    viewer.add("1x1", "making-of", "1x2")
    viewer.add("bonus", season_number=2)
    viewer.watch("1x1", "making-of")
    assert viewer.next_up() == ["1x2"]
    viewer.watch("1x2")

    assert viewer.next_up() == []


def test_another_company_with_a_series_of_the_same_number_changes_nothing(viewer, umbra):
    """Each company chooses the ids of its own series."""
    viewer.add("1x1", "1x3")
    viewer.add("1x2", "1x4", company=umbra.id)
    viewer.watch("1x1", "1x4")

    assert viewer.next_up() == ["1x3"]


def test_a_public_series_has_next_episodes_for_everyone(viewer):
    viewer.add("1x1", "1x2", company=None)
    viewer.watch("1x1")

    assert viewer.next_up() == ["1x2"]


def test_videos_that_are_not_in_the_catalogue_are_ignored(viewer):
    viewer.add("1x1", "1x2")
    viewer.ids |= {"film": "tt0111161", "huge": "99999999999999999999", "zero": "007"}
    viewer.watch("1x1", "film", "huge", "zero")
    assert viewer.next_up() == ["1x2"]
    viewer.expire()

    assert viewer.next_up() == ["1x2"]


def test_an_item_shows_the_next_episode_and_the_one_before(viewer):
    viewer.add("1x1", "1x2")
    viewer.watch("1x1")

    [item] = viewer.get("next-up").get_json()["items"]
    shown = {"kind": "episode", "series_id": 7, "season_number": 1, "duration_seconds": LENGTH}
    assert item == {
        "video": shown | {"id": viewer.ids["1x2"], "name": "1x2", "episode_number": 2},
        "after": shown | {"id": viewer.ids["1x1"], "name": "1x1", "episode_number": 1},
    }
