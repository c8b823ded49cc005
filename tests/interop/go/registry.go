// Registers, looks up, checks and reads schemas with Confluent's Go client, and prints what it saw.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"runtime"
	"runtime/debug"
	"slices"

	"github.com/confluentinc/confluent-kafka-go/v2/schemaregistry"
	"github.com/confluentinc/confluent-kafka-go/v2/schemaregistry/rest"
)

var subject = os.Getenv("INTEROP_SUBJECT")

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func check(holds bool, what string) {
	if !holds {
		log.Fatal("not so: ", what)
	}
}

func connect() schemaregistry.Client {
	return must(schemaregistry.NewClient(schemaregistry.NewConfig(os.Getenv("PENSTOCK_SCHEMA_REGISTRY_URL"))))
}

func schema(name string) schemaregistry.SchemaInfo {
	return schemaregistry.SchemaInfo{Schema: os.Getenv("INTEROP_SCHEMA_" + name), SchemaType: "AVRO"}
}

func refused(registry schemaregistry.Client, broken schemaregistry.SchemaInfo) int {
	_, err := registry.Register(subject, broken, false)
	var refusal *rest.Error
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return 0
}

func version() string {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == "github.com/confluentinc/confluent-kafka-go/v2" {
			return module.Version
		}
	}
	return "unknown"
}

func main() {
	registry := connect()
	first, second, broken := schema("FIRST"), schema("SECOND"), schema("BROKEN")
	saw := map[string]any{"client": "confluent-kafka-go " + version(), "runtime": runtime.Version()}
	saw["first_id"] = must(registry.Register(subject, first, false))
	saw["first_id_again"] = must(connect().Register(subject, first, true))
	saw["second_fits"] = must(registry.TestCompatibility(subject, -1, second))
	saw["broken_fits"] = must(registry.TestCompatibility(subject, -1, broken))
	saw["second_id"] = must(registry.Register(subject, second, false))
	saw["broken_code"] = refused(registry, broken)
	fresh := connect()
	saw["looked_up_id"] = must(fresh.GetID(subject, first, false))
	saw["looked_up_version"] = must(fresh.GetVersion(subject, first, false))
	saw["latest_id"] = must(fresh.GetLatestSchemaMetadata(subject)).ID
	saw["versions"] = must(fresh.GetAllVersions(subject))
	saw["read"] = json.RawMessage(must(fresh.GetBySubjectAndID(subject, saw["second_id"].(int))).Schema)
	check(slices.Contains(must(fresh.GetAllSubjects()), subject), "the subject is listed")
	must(fresh.UpdateCompatibility(subject, schemaregistry.Full))
	check(must(fresh.GetCompatibility(subject)) == schemaregistry.Full, "the level can be set and read")
	must(fresh.Register(subject+"-gone", first, false))
	check(slices.Equal(must(fresh.DeleteSubject(subject+"-gone", false)), []int{1}), "a subject can be deleted")
	check(slices.Equal(must(fresh.DeleteSubject(subject+"-gone", true)), []int{1}), "and for good")
	fmt.Println(string(must(json.Marshal(saw))))
}
