internal import CairnBlocks
internal import CairnObjects
internal import CairnVolumes

/// Bytes on their way into an object: held when they are few, streamed to their place on the device when they are many.
enum ObjectSource {
  /// The whole contents.
  case bytes([UInt8])
  /// Written already, not yet part of any object.
  case writer(ObjectWriter)

  /// What is read at a time, and the most that is held.
  private static let pieceByteCount = 1 << 20

  /// Reads `file` to its end. No transaction is open meanwhile, so a slow input holds up nobody.
  static func read(
    _ file: borrowing Descriptor, for store: Store, progress: (UInt64) -> Void = { _ in }
  ) throws -> ObjectSource {
    let status = try file.status()
    let expected = status.kind == .regular ? status.byteCount : nil
    // One byte more than there should be: then a first piece that is not filled is the whole file.
    let firstByteCount = expected.map { min($0, UInt64(pieceByteCount) - 1) + 1 }
    var piece = [UInt8](repeating: 0, count: firstByteCount.map { Int($0) } ?? pieceByteCount)
    var count = try file.fill(&piece)
    progress(UInt64(count))
    if count < piece.count { return .bytes(Array(piece.prefix(count))) }

    let writer = try store.objectWriter(expecting: expected)
    while count > 0 {
      try writer.write(count == piece.count ? piece : Array(piece.prefix(count)))
      if piece.count < pieceByteCount { piece = [UInt8](repeating: 0, count: pieceByteCount) }
      count = try file.fill(&piece)
      progress(UInt64(count))
    }
    return .writer(writer)
  }

  /// Puts the bytes under a key.
  @discardableResult
  func put(
    _ key: ObjectKey, in bucket: Bucket, _ options: ObjectOptions, if conditions: ObjectConditions = .none
  ) throws -> ObjectInfo {
    switch self {
    case .bytes(let bytes): try bucket.put(key, bytes, options, if: conditions)
    case .writer(let writer): try bucket.put(key, writer, options, if: conditions)
    }
  }
}
