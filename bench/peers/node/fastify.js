// Resume points with Fastify, its JSON schemas and ioredis, in the usual style.
import Fastify from 'fastify';
import { caller, list, read, save } from './points.js';

const id = { type: 'string', pattern: '^[\\w-]{1,128}$' };
const body = {
  type: 'object',
  required: ['clerkId', 'tmdbId', 'currentTime', 'duration'],
  properties: {
    clerkId: id,
    tmdbId: id,
    currentTime: { type: 'number', minimum: 0, maximum: 1e8 },
    duration: { type: 'number', exclusiveMinimum: 0, maximum: 1e8 },
  },
};
const point = {
  type: 'object',
  properties: {
    tmdbId: { type: 'string' },
    currentTime: { type: 'number' },
    updatedAt: { type: 'string' },
    duration: { type: 'number' },
    percent: { type: 'number' },
    watched: { type: 'boolean' },
    completed: { type: 'boolean' },
  },
};

const app = Fastify({ logger: false });

app.decorateRequest('user', null);
app.addHook('onRequest', async (request, reply) => {
  request.user = caller(request.headers.authorization);
  if (request.user === null) return reply.code(401).send({ error: 'Unauthorized' });
});

const ownOnly = async (request, reply) => {
  if (request.params.userId !== request.user) return reply.code(403).send({ error: 'Forbidden' });
};

app.post('/api/progress', { schema: { body } }, async (request, reply) => {
  if (request.body.clerkId !== request.user) return reply.code(403).send({ error: 'Forbidden' });
  await save(request.body);
  return reply.code(204).send();
});

app.get(
  '/api/progress/:userId/:videoId',
  { preHandler: ownOnly, schema: { response: { 200: point } } },
  async (request, reply) =>
    (await read(request.params.userId, request.params.videoId)) ??
    reply.code(404).send({ error: 'Progress not found' }),
);

app.get(
  '/api/progress/:userId',
  { preHandler: ownOnly, schema: { response: { 200: { type: 'array', items: point } } } },
  (request) => list(request.params.userId),
);

await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
