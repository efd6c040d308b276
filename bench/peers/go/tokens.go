package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"
	"time"
)

// A viewer sends the same token many times, so verified tokens are cached.
const maxTokens = 10_000

type claims struct {
	Sub string `json:"sub"`
	Exp int64  `json:"exp"`
}

type verifier struct {
	secret   []byte
	lock     sync.RWMutex
	verified map[string]claims
}

func newVerifier(secret string) *verifier {
	return &verifier{secret: []byte(secret), verified: map[string]claims{}}
}

// caller returns the user of the token, and whether the token is valid.
func (v *verifier) caller(authorization string) (string, bool) {
	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "bearer") {
		return "", false
	}
	v.lock.RLock()
	known, found := v.verified[token]
	v.lock.RUnlock()
	if !found {
		var valid bool
		if known, valid = v.verify(token); !valid {
			return "", false
		}
		v.remember(token, known)
	}
	return known.Sub, known.Exp > time.Now().Unix()
}

func (v *verifier) remember(token string, valid claims) {
	v.lock.Lock()
	defer v.lock.Unlock()
	if len(v.verified) >= maxTokens {
		v.verified = map[string]claims{}
	}
	v.verified[token] = valid
}

func (v *verifier) verify(token string) (claims, bool) {
	var head struct{ Alg string }
	var body claims
	parts := strings.Split(token, ".")
	if len(parts) != 3 || !decode(parts[0], &head) || head.Alg != "HS256" || !decode(parts[1], &body) {
		return body, false
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	mac := hmac.New(sha256.New, v.secret)
	mac.Write([]byte(parts[0] + "." + parts[1]))
	return body, err == nil && hmac.Equal(signature, mac.Sum(nil)) && body.Sub != "" && body.Exp != 0
}

func decode(part string, into any) bool {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(raw, into) == nil
}
