// Registers, looks up, checks and reads schemas with Confluent's Java client, and prints what it saw.

import java.util.List;
import java.util.Map;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.avro.AvroSchema;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.CachedSchemaRegistryClient;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException;

public class Registry {
    static final String SUBJECT = System.getenv("INTEROP_SUBJECT");

    public static void main(String[] arguments) throws Exception {
        CachedSchemaRegistryClient registry = connect();
        AvroSchema first = schema("FIRST"), second = schema("SECOND"), broken = schema("BROKEN");
        StringBuilder saw = new StringBuilder();
        add(saw, "client", "\"kafka-schema-registry-client 7.5.3 (in flink-sql-avro-confluent-registry 2.0.0)\"");
        add(saw, "runtime", "\"" + System.getProperty("java.version") + "\"");
        add(saw, "first_id", registry.register(SUBJECT, first));
        add(saw, "first_id_again", connect().register(SUBJECT, first, true));
        add(saw, "second_fits", registry.testCompatibility(SUBJECT, second));
        add(saw, "broken_fits", registry.testCompatibility(SUBJECT, broken));
        add(saw, "broken_problems", registry.testCompatibilityVerbose(SUBJECT, broken).size());
        int secondId = registry.register(SUBJECT, second);
        add(saw, "second_id", secondId);
        add(saw, "broken_code", refused(registry, broken));
        CachedSchemaRegistryClient fresh = connect();
        add(saw, "looked_up_id", fresh.getId(SUBJECT, first));
        add(saw, "looked_up_version", fresh.getVersion(SUBJECT, first));
        add(saw, "latest_id", fresh.getLatestSchemaMetadata(SUBJECT).getId());
        add(saw, "versions", fresh.getAllVersions(SUBJECT));
        add(saw, "read", fresh.getSchemaById(secondId).canonicalString());
        check(fresh.getAllSubjects().contains(SUBJECT), "the subject is listed");
        check(fresh.getAllSubjectsById(secondId).contains(SUBJECT), "the subject is listed at its schema");
        check(fresh.updateCompatibility(SUBJECT, "FULL").equals("FULL"), "the level can be set");
        check(fresh.getCompatibility(SUBJECT).equals("FULL"), "the level can be read");
        check(fresh.getMode().equals("READWRITE"), "the mode can be read");
        fresh.register(SUBJECT + "-gone", first);
        check(fresh.deleteSubject(Map.of(), SUBJECT + "-gone", false).equals(List.of(1)), "a subject can be deleted");
        check(fresh.deleteSubject(Map.of(), SUBJECT + "-gone", true).equals(List.of(1)), "and for good");
        System.out.println("{" + saw + "}");
    }

    static CachedSchemaRegistryClient connect() {
        return new CachedSchemaRegistryClient(System.getenv("PENSTOCK_SCHEMA_REGISTRY_URL"), 100);
    }

    static AvroSchema schema(String name) {
        return new AvroSchema(System.getenv("INTEROP_SCHEMA_" + name));
    }

    static int refused(CachedSchemaRegistryClient registry, AvroSchema schema) throws Exception {
        try {
            registry.register(SUBJECT, schema);
        } catch (RestClientException error) {
            return error.getErrorCode();
        }
        return 0;
    }

    static void add(StringBuilder saw, String name, Object value) {
        saw.append(saw.isEmpty() ? "" : ", ").append('"').append(name).append("\": ").append(value);
    }

    static void check(boolean holds, String what) {
        if (!holds) throw new AssertionError(what);
    }
}
