// Resume points with Express, zod and ioredis, in the usual style.
import express from 'express';
import { z } from 'zod';
import { caller, list, read, save } from './points.js';

const Id = z.string().regex(/^[\w-]{1,128}$/);
const Save = z.object({
  clerkId: Id,
  tmdbId: Id,
  currentTime: z.number().min(0).max(1e8),
  duration: z.number().positive().max(1e8),
});

const app = express();
app.disable('x-powered-by').disable('etag').set('query parser', 'simple');

app.use((req, res, next) => {
  req.user = caller(req.headers.authorization);
  return req.user === null ? res.status(401).json({ error: 'Unauthorized' }) : next();
});

app.post('/api/progress', express.json(), async (req, res) => {
  const { success, data, error } = Save.safeParse(req.body);
  if (!success) return res.status(400).json({ error: 'Validation failed', details: error.issues });
  if (data.clerkId !== req.user) return res.status(403).json({ error: 'Forbidden' });
  await save(data);
  return res.status(204).end();
});

app.get('/api/progress/:userId/:videoId', async (req, res) => {
  if (req.params.userId !== req.user) return res.status(403).json({ error: 'Forbidden' });
  const point = await read(req.params.userId, req.params.videoId);
  return point ? res.json(point) : res.status(404).json({ error: 'Progress not found' });
});

app.get('/api/progress/:userId', async (req, res) => {
  if (req.params.userId !== req.user) return res.status(403).json({ error: 'Forbidden' });
  return res.json(await list(req.params.userId));
});

app.listen(process.env.PORT, '127.0.0.1');
