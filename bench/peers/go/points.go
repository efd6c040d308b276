package main

import (
	"strconv"
	"time"

	"github.com/gomodule/redigo/redis"
)

const (
	ttlSeconds = 30 * 24 * 60 * 60
	// One connection for each client of the benchmark.
	poolSize = 32
)

type point struct {
	TmdbID      string  `json:"tmdbId,omitempty"`
	CurrentTime float64 `json:"currentTime"`
	UpdatedAt   string  `json:"updatedAt"`
	Duration    float64 `json:"duration"`
	Percent     float64 `json:"percent"`
	Watched     bool    `json:"watched"`
	Completed   bool    `json:"completed"`
}

type store struct{ pool *redis.Pool }

func newStore(url string) *store {
	dial := func() (redis.Conn, error) { return redis.DialURL(url) }
	return &store{&redis.Pool{Dial: dial, MaxIdle: poolSize, MaxActive: poolSize, Wait: true}}
}

func (s *store) save(user, video string, position, duration, percent float64) error {
	now := time.Now().UTC()
	key, index := "resume:"+user+":"+video, "recent:"+user
	connection := s.pool.Get()
	defer connection.Close()
	connection.Send("HSET", key,
		"currentTime", position,
		"updatedAt", now.Format("2006-01-02T15:04:05.000Z"),
		"duration", duration,
		"percent", percent,
		"watched", percent >= 90,
		"completed", percent == 100)
	connection.Send("EXPIRE", key, ttlSeconds)
	connection.Send("ZADD", index, now.UnixMilli(), video)
	connection.Send("EXPIRE", index, ttlSeconds)
	return receive(connection, 4)
}

// read returns nil if the point does not exist.
func (s *store) read(user, video string) (*point, error) {
	connection := s.pool.Get()
	defer connection.Close()
	values, err := redis.Strings(connection.Do("HMGET", fields("resume:"+user+":"+video)...))
	if err != nil || values[0] == "" {
		return nil, err
	}
	return parse("", values)
}

// list returns the user's points, newest first.
func (s *store) list(user string) ([]*point, error) {
	connection := s.pool.Get()
	defer connection.Close()
	videos, err := redis.Strings(connection.Do("ZREVRANGE", "recent:"+user, 0, -1))
	if err != nil {
		return nil, err
	}
	for _, video := range videos {
		connection.Send("HMGET", fields("resume:"+user+":"+video)...)
	}
	if err := connection.Flush(); err != nil {
		return nil, err
	}
	points := make([]*point, 0, len(videos))
	for _, video := range videos {
		values, err := redis.Strings(connection.Receive())
		if err != nil {
			return nil, err
		}
		if values[0] == "" {
			continue
		}
		found, err := parse(video, values)
		if err != nil {
			return nil, err
		}
		points = append(points, found)
	}
	return points, nil
}

func receive(connection redis.Conn, replies int) error {
	if err := connection.Flush(); err != nil {
		return err
	}
	for i := 0; i < replies; i++ {
		if _, err := connection.Receive(); err != nil {
			return err
		}
	}
	return nil
}

func fields(key string) []any {
	return []any{key, "currentTime", "updatedAt", "duration", "percent", "watched", "completed"}
}

func parse(video string, values []string) (*point, error) {
	numbers := [3]float64{}
	for i, text := range []string{values[0], values[2], values[3]} {
		number, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, err
		}
		numbers[i] = number
	}
	return &point{
		TmdbID:      video,
		CurrentTime: numbers[0],
		UpdatedAt:   values[1],
		Duration:    numbers[1],
		Percent:     numbers[2],
		Watched:     values[4] == "1",
		Completed:   values[5] == "1",
	}, nil
}
