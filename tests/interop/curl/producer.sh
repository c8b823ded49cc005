#!/bin/sh
# Sends readings over HTTP with curl: one as JSON, one as a CloudEvent, the rest as a batch of JSON lines.
set -eu
reading() {
    printf '{"reading_id": "curl-%d", "station": "Zürich-%d", "at": %d, "celsius": -%d.25, ' "$1" $(($1 % 20)) $((1709208000000 + 1000 * $1)) "$1"
    printf '"weather": "schön 🌦", "visibility": null, "counter": %d}\n' $((9000000000 + $1))
}
post() { curl --silent --show-error --fail-with-body --header "content-type: $1" --data-binary @- "$GATEWAY$2"; echo; }

reading 0 | post application/json "/events/$1"
echo "{\"specversion\": \"1.0\", \"id\": \"curl-1\", \"source\": \"roof\", \"type\": \"weather.$1\", \"data\": $(reading 1)}" | post application/cloudevents+json /
for number in $(seq 2 $(($2 - 1))); do reading "$number"; done | post application/x-ndjson "/events/$1"
