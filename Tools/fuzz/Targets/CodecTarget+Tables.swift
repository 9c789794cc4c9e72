import CairnBytes
import CairnTables
import CairnVolumes

extension CodecTarget {
  /// The decoders of tables: schemas and other records, values, keys, rows.
  static let tables = CodecTarget(codecs: [
    Codec(name: "header of tables", samples: [[3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]]) { bytes in
      var reader = ByteReader(bytes)
      guard let header = try? TableHeader(decoding: &reader), reader.remaining == 0 else { return nil }
      return header.encoded
    },
    Codec(name: "schema of a table", samples: VolumeSample.schemas.map(encoded)) { bytes in
      var reader = ByteReader(bytes)
      guard let schema = try? TableSchema(decoding: &reader), reader.remaining == 0 else { return nil }
      // Whatever was read can be looked at, and made ready for work if it makes sense.
      _ = try? PreparedSchema(schema)
      return encoded(schema)
    },
    Codec(name: "record of a table", samples: recordSamples) { bytes in
      var reader = ByteReader(bytes)
      guard let record = try? TableRecord(decoding: &reader), reader.remaining == 0 else { return nil }
      return record.encoded
    },
    Codec(name: "operation on tables", samples: operationSamples) { bytes in
      var reader = ByteReader(bytes)
      guard let operation = try? TableOperation(decoding: &reader), reader.remaining == 0 else { return nil }
      return operation.encoded
    },
    Codec(
      name: "work on tables",
      samples: [
        TableWork.buildIndexes.encoded,
        TableWork.delete(table: 1, .or([.compare("id", .less, .integer(7)), .isNull("name")])).encoded,
      ]
    ) { bytes in
      var reader = ByteReader(bytes)
      guard let work = try? TableWork(decoding: &reader), reader.remaining == 0 else { return nil }
      return work.encoded
    },
    Codec(name: "value of a column", samples: values.map { encoded($0) }) { bytes in
      var reader = ByteReader(bytes)
      guard let value = try? ColumnValue(decoding: &reader), reader.remaining == 0 else { return nil }
      return encoded(value)
    },
    Codec(
      name: "key of a table", samples: [keySample(isOptional: false), keySample(isOptional: true)], rewrite: rewriteKey),
    Codec(name: "row of a table", samples: [rowSample(isNull: false), rowSample(isNull: true)], rewrite: rewriteRow),
  ])

  /// A value of each type, in their order.
  private static let values: [ColumnValue] = ColumnType.allCases.map { type in
    switch type {
    case .int8, .int16, .int32, .int64: .integer(-7)
    case .uint8, .uint16, .uint32, .uint64: .unsigned(200)
    case .double: .double(-1.5)
    case .decimal: ExactDecimal("-12.345").map { .decimal($0) } ?? .null
    case .bool: .bool(true)
    case .string: .string("text")
    case .bytes: .bytes([0, 1, 0, 255])
    case .date: VolumeSample.day(7)
    case .timestamp: .timestamp(Timestamp(nanosecondsSince1970: -3))
    case .uniqueID: .uniqueID(UniqueID(high: 1, low: 2))
    case .principal: (try? Principal("alice")).map { .principal($0) } ?? .null
    }
  }

  private static func encoded(_ value: ColumnValue) -> [UInt8] {
    var writer = ByteWriter()
    value.encode(into: &writer)
    return writer.bytes
  }

  private static func encoded(_ schema: TableSchema) -> [UInt8] {
    var writer = ByteWriter()
    schema.encode(into: &writer)
    return writer.bytes
  }

  /// Version, flags, root, schema, slots (type, value, column), indexes (root, state).
  private static let recordSamples: [[UInt8]] = VolumeSample.schemas.map { schema in
    var writer = ByteWriter()
    writer.uint8(1)
    writer.uint8(1)
    writer.uint64(60)
    schema.encode(into: &writer)
    let slots = schema.columns.filter { !schema.primaryKey.contains($0.name) }
    writer.varint(UInt64(slots.count))
    for slot in slots {
      writer.uint8(slot.type.rawValue)
      ColumnValue.null.encode(into: &writer)
      writer.lengthPrefixed(Array(slot.name.utf8))
    }
    writer.varint(UInt64(schema.indexes.count))
    for index in schema.indexes.indices {
      writer.uint64(61 + UInt64(index))
      writer.uint8(0)
    }
    return writer.bytes
  }

  /// An insertion, a change of rows, statistics, a grant: what has lists in it.
  private static let operationSamples: [[UInt8]] = {
    func operation(_ kind: UInt8, _ rest: (inout ByteWriter) -> Void) -> [UInt8] {
      var writer = ByteWriter()
      writer.uint8(kind)
      writer.uint32(1)
      rest(&writer)
      return writer.bytes
    }
    return [
      operation(1) { writer in
        writer.varint(UInt64(values.count))
        for value in values { value.encode(into: &writer) }
      },
      operation(3) { writer in
        writer.varint(2)
        writer.lengthPrefixed([1, 2, 3])
        writer.lengthPrefixed([4])
        writer.varint(1)
        writer.uint16(2)
        ColumnValue.integer(5).encode(into: &writer)
      },
      operation(11) { writer in
        writer.lengthPrefixed(Array("alice".utf8))
        writer.uint32(3)
      },
      operation(13) { writer in
        writer.varint(2)
        for count in [1, 2] as [UInt64] {
          writer.varint(1)
          writer.varint(count)
        }
      },
      operation(14) { $0.lengthPrefixed(Array("renamed".utf8)) },
      [15, 1, 2, 9, 9], [10, 4, 110, 97, 109, 101],
    ]
  }()

  // MARK: Keys and rows

  /// The types of a key or a row, which the input changes as well: a count, then for each a type, and for keys whether it may be
  /// null.
  private static func types(_ reader: inout ByteReader, each byteCount: Int) -> [(type: ColumnType, isOptional: Bool)]?
  {
    guard let count = try? reader.uint8(), count <= 32 else { return nil }
    var types: [(type: ColumnType, isOptional: Bool)] = []
    for _ in 0..<count {
      guard let raw = try? reader.uint8(), let type = ColumnType(rawValue: raw) else { return nil }
      var isOptional = false
      if byteCount == 2 {
        guard let flag = try? reader.uint8(), flag <= 1 else { return nil }
        isOptional = flag == 1
      }
      types.append((type, isOptional))
    }
    return types
  }

  private static func keySample(isOptional: Bool) -> [UInt8] {
    var head = [UInt8(values.count)]
    var key: [UInt8] = []
    for (type, value) in zip(ColumnType.allCases, values) {
      head += [type.rawValue, isOptional ? 1 : 0]
      value.appendKey(as: type, isOptional: isOptional, to: &key)
    }
    return head + key
  }

  @Sendable private static func rewriteKey(_ bytes: [UInt8]) -> [UInt8]? {
    var head = ByteReader(bytes)
    guard let types = types(&head, each: 2) else { return nil }
    let key = Array(bytes[head.offset...])
    var reader = KeyReader(key)
    var written: [UInt8] = []
    do throws(ByteReader.Failure) {
      for (type, isOptional) in types {
        try reader.columnValue(as: type, isOptional: isOptional).appendKey(
          as: type, isOptional: isOptional, to: &written)
      }
      try reader.finish()
    } catch { return nil }
    // The encoding of a key is the only one: what is read is what was there.
    return written == key ? bytes : bytes + [0]
  }

  private static func rowSample(isNull: Bool) -> [UInt8] {
    let head = [UInt8(values.count)] + ColumnType.allCases.map { $0.rawValue }
    var row: [UInt8] = []
    let columns = values.indices.map { isNull && $0 % 2 == 0 ? ColumnValue.null : values[$0] }
    RowLayout(Array(ColumnType.allCases)).append(columns, at: Array(columns.indices), to: &row)
    return head + row
  }

  @Sendable private static func rewriteRow(_ bytes: [UInt8]) -> [UInt8]? {
    var head = ByteReader(bytes)
    guard let types = types(&head, each: 1) else { return nil }
    let layout = RowLayout(types.map { $0.type })
    let row = Array(bytes[head.offset...])
    let values = BulkCopy.withRawSpan(of: row) { (span) -> [ColumnValue]? in
      var values: [ColumnValue] = []
      // Fields answer for rows that are not well-formed, too: they are read where they lie, unchecked as a whole.
      let isWellFormed = layout.isWellFormed(span)
      for slot in types.indices {
        switch layout.field(slot, in: span) {
        case .null, .missing: values.append(.null)
        case .damaged: if isWellFormed { return nil }
        case .at(let range):
          guard let value = try? layout.value(of: slot, at: range, in: span) else { return nil }
          values.append(value)
        }
      }
      return isWellFormed && values.count == types.count ? values : nil
    }
    guard let values else { return nil }
    var written: [UInt8] = []
    layout.append(values, at: Array(values.indices), to: &written)
    return Array(bytes[..<head.offset]) + written
  }
}
