// Resume points with net/http and redigo, in the usual style.
package main

import (
	"encoding/json"
	"io"
	"log"
	"math"
	"net/http"
	"os"
	"strings"
)

const (
	path     = "/api/progress"
	greatest = 1e8
)

type saveBody struct {
	ClerkID     string   `json:"clerkId"`
	TmdbID      string   `json:"tmdbId"`
	CurrentTime *float64 `json:"currentTime"`
	Duration    float64  `json:"duration"`
}

func (b *saveBody) valid() bool {
	return isID(b.ClerkID) && isID(b.TmdbID) &&
		b.CurrentTime != nil && *b.CurrentTime >= 0 && *b.CurrentTime <= greatest &&
		b.Duration > 0 && b.Duration <= greatest
}

func isID(text string) bool {
	if len(text) == 0 || len(text) > 128 {
		return false
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

type server struct {
	tokens *verifier
	points *store
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, ok := s.tokens.caller(r.Header.Get("Authorization"))
	owner, video, isPoint := strings.Cut(strings.TrimPrefix(r.URL.Path, path+"/"), "/")
	switch {
	case !ok:
		refuse(w, http.StatusUnauthorized, "Unauthorized")
	case r.URL.Path == path && r.Method == http.MethodPost:
		s.save(w, r, user)
	case r.Method != http.MethodGet || owner == r.URL.Path:
		refuse(w, http.StatusNotFound, "Not Found")
	case owner != user:
		refuse(w, http.StatusForbidden, "Forbidden")
	case isPoint:
		s.read(w, user, video)
	default:
		s.list(w, user)
	}
}

func (s *server) save(w http.ResponseWriter, r *http.Request, user string) {
	var body saveBody
	raw, err := io.ReadAll(r.Body)
	if err != nil || json.Unmarshal(raw, &body) != nil || !body.valid() {
		refuse(w, http.StatusBadRequest, "Validation failed")
		return
	}
	if body.ClerkID != user {
		refuse(w, http.StatusForbidden, "Forbidden")
		return
	}
	percent := math.Round(math.Min(100, 100**body.CurrentTime/body.Duration)*100) / 100
	if err := s.points.save(user, body.TmdbID, *body.CurrentTime, body.Duration, percent); err != nil {
		fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *server) read(w http.ResponseWriter, user, video string) {
	found, err := s.points.read(user, video)
	switch {
	case err != nil:
		fail(w, err)
	case found == nil:
		refuse(w, http.StatusNotFound, "Progress not found")
	default:
		respond(w, http.StatusOK, found)
	}
}

func (s *server) list(w http.ResponseWriter, user string) {
	points, err := s.points.list(user)
	if err != nil {
		fail(w, err)
		return
	}
	respond(w, http.StatusOK, points)
}

func respond(w http.ResponseWriter, status int, content any) {
	encoded, err := json.Marshal(content)
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(encoded)
}

func refuse(w http.ResponseWriter, status int, message string) {
	respond(w, status, map[string]string{"error": message})
}

func fail(w http.ResponseWriter, err error) {
	log.Print(err)
	refuse(w, http.StatusServiceUnavailable, "Redis failed")
}

func main() {
	handler := &server{newVerifier(os.Getenv("JWT_SECRET")), newStore(os.Getenv("REDIS_URL"))}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), handler))
}
