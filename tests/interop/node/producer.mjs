// Sends readings as Avro with KafkaJS and its schema registry client.

import { readFileSync } from 'node:fs'
import confluent from '@kafkajs/confluent-schema-registry'
import { Kafka, logLevel } from 'kafkajs'

const [topic, count] = [`events.${process.argv[2]}`, Number(process.argv[3])]
const registry = new confluent.SchemaRegistry({ host: process.env.SCHEMA_REGISTRY })
const { id } = await registry.register({ type: 'AVRO', schema: readFileSync('reading.avsc', 'utf8') }, { subject: `${topic}-value` })
const producer = new Kafka({ brokers: [process.env.BOOTSTRAP], logLevel: logLevel.ERROR }).producer({ idempotent: true })
await producer.connect()
for (let number = 0; number < count; number++) {
  const at = Date.UTC(2024, 1, 29, 12, 0, number)
  const reading = { reading_id: `node-${number}`, station: `Zürich-${number % 20}`, at, celsius: -0.25 - number }
  Object.assign(reading, { weather: 'schön 🌦', visibility: null, counter: 9_000_000_000 + number })
  await producer.send({ topic, messages: [{ key: reading.station, value: await registry.encode(id, reading) }] })
}
await producer.disconnect()
