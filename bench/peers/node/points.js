// Shared by both Node peers: points in Redis, and token verification.
import { createVerifier } from 'fast-jwt';
import { Redis } from 'ioredis';

const TTL_SECONDS = 30 * 24 * 60 * 60;
const POINT_FIELDS = ['currentTime', 'updatedAt', 'duration', 'percent', 'watched', 'completed'];

// Auto-pipelining sends the commands of one event-loop iteration in one write.
const redis = new Redis(process.env.REDIS_URL, { enableAutoPipelining: true });

// Cache verified tokens: a viewer sends the same token many times.
const verify = createVerifier({
  key: process.env.JWT_SECRET,
  algorithms: ['HS256'],
  requiredClaims: ['exp', 'sub'],
  cache: true,
});

/** The user id of the token, or null if the token is invalid. */
export function caller(authorization = '') {
  if (!/^bearer /i.test(authorization)) return null;
  try {
    return verify(authorization.slice(7)).sub;
  } catch {
    return null;
  }
}

export async function save({ clerkId, tmdbId, currentTime, duration }) {
  const percent = Math.round(Math.min(100, (100 * currentTime) / duration) * 100) / 100;
  const now = new Date();
  const key = `resume:${clerkId}:${tmdbId}`;
  const index = `recent:${clerkId}`;
  await Promise.all([
    redis.hset(
      key,
      'currentTime', currentTime,
      'updatedAt', now.toISOString(),
      'duration', duration,
      'percent', percent,
      'watched', percent >= 90 ? 1 : 0,
      'completed', percent === 100 ? 1 : 0,
    ),
    redis.expire(key, TTL_SECONDS),
    redis.zadd(index, now.getTime(), tmdbId),
    redis.expire(index, TTL_SECONDS),
  ]);
}

/** The point, or null if it does not exist. */
export async function read(userId, videoId) {
  return point(await redis.hmget(`resume:${userId}:${videoId}`, POINT_FIELDS));
}

/** The user's points, newest first. */
export async function list(userId) {
  const videos = await redis.zrevrange(`recent:${userId}`, 0, -1);
  const pipeline = redis.pipeline();
  for (const video of videos) pipeline.hmget(`resume:${userId}:${video}`, POINT_FIELDS);
  const found = await pipeline.exec();
  return found
    .map(([, values], i) => values[0] !== null && { tmdbId: videos[i], ...point(values) })
    .filter(Boolean);
}

function point([currentTime, updatedAt, duration, percent, watched, completed]) {
  if (currentTime === null) return null;
  return {
    currentTime: Number(currentTime),
    updatedAt,
    duration: Number(duration),
    percent: Number(percent),
    watched: watched === '1',
    completed: completed === '1',
  };
}
