#!/bin/sh
# Sends readings as JSON with kcat: a line is a key, a colon, and an event.
set -eu
for number in $(seq 0 $(($2 - 1))); do
    printf 'Zürich-%d:' $((number % 20))
    printf '{"reading_id": "kcat-%d", "station": "Zürich-%d", "at": %d, ' "$number" $((number % 20)) $((1709208000000 + 1000 * number))
    printf '"celsius": -%d.25, "weather": "schön 🌦", "visibility": null, "counter": %d}\n' "$number" $((9000000000 + number))
done | kcat -P -b "$BOOTSTRAP" -t "events.$1" -K : -X enable.idempotence=true -X topic.partitioner=murmur2_random
