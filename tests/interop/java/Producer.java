// Sends readings as Avro with Kafka's own client.

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.*;
import org.apache.avro.io.EncoderFactory;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.avro.AvroSchema;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.CachedSchemaRegistryClient;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

public class Producer {
    public static void main(String[] arguments) throws Exception {
        String topic = "events." + arguments[0], text = Files.readString(Path.of("reading.avsc"));
        Schema schema = new Schema.Parser().parse(text);
        int id = new CachedSchemaRegistryClient(System.getenv("SCHEMA_REGISTRY"), 100).register(topic + "-value", new AvroSchema(text));
        Map<String, Object> settings = Map.of("bootstrap.servers", System.getenv("BOOTSTRAP"));
        try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new ByteArraySerializer())) {
            for (int number = 0; number < Integer.parseInt(arguments[1]); number++) {
                long at = Instant.parse("2024-02-29T12:00:00Z").plusSeconds(number).toEpochMilli();
                var reading = new GenericRecordBuilder(schema).set("reading_id", "java-" + number).set("station", "Zürich-" + number % 20)
                    .set("at", at).set("celsius", -0.25 - number).set("weather", "schön 🌦").set("counter", 9_000_000_000L + number).build();
                producer.send(new ProducerRecord<>(topic, reading.get("station").toString(), framed(id, reading))).get();
            }
        }
    }

    // What Confluent's KafkaAvroSerializer does, for those who have it: 0x00, the schema's id, Avro.
    static byte[] framed(int id, GenericData.Record reading) throws Exception {
        var bytes = new ByteArrayOutputStream();
        bytes.write(ByteBuffer.allocate(5).put((byte) 0).putInt(id).array());
        new GenericDatumWriter<>(reading.getSchema()).write(reading, EncoderFactory.get().directBinaryEncoder(bytes, null));
        return bytes.toByteArray();
    }
}
