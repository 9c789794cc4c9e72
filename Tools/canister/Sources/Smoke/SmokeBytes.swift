#if arch(wasm32)
  import CairnBytes

  /// L0: codecs and key encodings.
  func smokeBytes() -> Bool {
    var writer = ByteWriter()
    writer.uint8(1)
    writer.uint16(2)
    writer.uint32(3)
    writer.uint64(4)
    writer.varint(300)
    writer.append([5, 6])
    writer.append([7].span)
    writer.lengthPrefixed([8, 9])

    var reader = ByteReader(writer.bytes)
    do throws(ByteReader.Failure) {
      guard try reader.uint8() == 1, try reader.uint16() == 2, try reader.uint32() == 3, try reader.uint64() == 4,
        try reader.varint() == 300, try reader.bytes(count: 3) == [5, 6, 7],
        try reader.lengthPrefixed(limit: 2) == [8, 9], reader.remaining == 0, reader.offset == writer.bytes.count
      else { return false }
      try reader.finish()
      return try smokeKeys()
    } catch {
      return false
    }
  }

  private func smokeKeys() throws(ByteReader.Failure) -> Bool {
    var key: [UInt8] = []
    KeyEncoding.append(UInt64(1), to: &key)
    KeyEncoding.append(Int8(-1), to: &key)
    KeyEncoding.append(1.5, to: &key)
    KeyEncoding.append(true, to: &key)
    KeyEncoding.append([0, 1], to: &key)
    KeyEncoding.append("text", to: &key)
    KeyEncoding.append(Int32?.none, to: &key) { KeyEncoding.append($0, to: &$1) }
    KeyEncoding.append(Int32?.some(7), to: &key) { KeyEncoding.append($0, to: &$1) }

    var reader = KeyReader(key)
    guard try reader.integer(as: UInt64.self) == 1, try reader.integer(as: Int8.self) == -1,
      try reader.double() == 1.5, try reader.bool(), try reader.byteString() == [0, 1],
      Array(try reader.string().utf8) == Array("text".utf8)
    else { return false }
    let readInteger = { (reader: inout KeyReader) throws(ByteReader.Failure) -> Int32 in try reader.integer() }
    guard try reader.optional(readInteger) == nil, try reader.optional(readInteger) == 7 else { return false }
    try reader.finish()
    return reader.remaining == 0 && reader.offset == key.count
  }
#endif
