// Sends readings as Avro with franz-go and its schema registry client.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
	"time"

	"github.com/hamba/avro/v2"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
)

type Reading struct {
	ID         string    `avro:"reading_id"`
	Station    string    `avro:"station"`
	At         time.Time `avro:"at"`
	Celsius    float64   `avro:"celsius"`
	Weather    *string   `avro:"weather"`
	Visibility *float64  `avro:"visibility"`
	Counter    int64     `avro:"counter"`
}

func try[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	ctx, topic, count, weather := context.Background(), "events."+os.Args[1], try(strconv.Atoi(os.Args[2])), "schön 🌦"
	text := string(try(os.ReadFile("reading.avsc")))
	schema, registry := try(avro.Parse(text)), try(sr.NewClient(sr.URLs(os.Getenv("SCHEMA_REGISTRY"))))
	registered := try(registry.CreateSchema(ctx, topic+"-value", sr.Schema{Schema: text}))
	var serde sr.Serde
	serde.Register(registered.ID, Reading{}, sr.EncodeFn(func(value any) ([]byte, error) { return avro.Marshal(schema, value) }))
	producer := try(kgo.NewClient(kgo.SeedBrokers(os.Getenv("BOOTSTRAP")), kgo.DefaultProduceTopic(topic)))
	for number := range count {
		reading := Reading{ID: fmt.Sprint("go-", number), Station: fmt.Sprint("Zürich-", number%20), Weather: &weather}
		reading.At, reading.Celsius = time.Date(2024, 2, 29, 12, 0, number, 0, time.UTC), -0.25-float64(number)
		reading.Counter = 9_000_000_000 + int64(number)
		record := kgo.Record{Key: []byte(reading.Station), Value: try(serde.Encode(reading))}
		try(0, producer.ProduceSync(ctx, &record).FirstErr())
	}
	producer.Close()
}
