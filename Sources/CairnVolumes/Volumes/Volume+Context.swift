public import CairnBlocks
public import CairnBytes

// What a filesystem asks of the transaction that it runs in.

extension Transaction {
  /// The time of the call, in nanoseconds since 1970-01-01T00:00:00Z: the clock of the store's environment, which never
  /// runs backwards. In a transaction that changes something it stands still and is that of its commit.
  public var time: UInt64 {
    if let time = writer?.annotation.time, time > 0 { return time }
    return core.time(atLeast: 0)
  }

  /// A random number other than 0, from the store's environment. An operation must carry it, so that it is the same when
  /// the operation is done again.
  public func randomNumber() -> UInt64 { core.randomNumber() }

  /// A number other than 0 that no transaction of the store was given before.
  func uniqueNumber() -> UInt64 { core.uniqueNumber(generation: state.generation) }
}

extension Volume {
  /// Reads what follows from something that was read before. In a multi-call transaction it is not recorded once more: it
  /// can only have changed when that changed, too.
  public func withoutRecording<Result>(
    _ body: () throws(StorageError) -> Result
  ) throws(StorageError) -> Result {
    guard let recorder = transaction.recorder else { return try body() }
    return try recorder.suspended(body)
  }
}

extension Volume {
  /// Throws unless a buffer of so many bytes may be made: `allocationRefused` when the store's memory does not admit it; for
  /// contents that are stored, `damaged` when they claim to be longer than the whole device.
  public func requireAllocation(byteCount: UInt64, isStored: Bool) throws(StorageError) {
    let view = transaction.view
    if isStored && byteCount > view.blockCount * UInt64(view.blockByteCount) {
      throw .damaged(Damage(block: root.rootBlock, reason: .malformed))
    }
    try view.requireAllocation(byteCount: byteCount)
  }
}

extension Volume {
  /// Decodes a record or an operation, all of its bytes. One that makes no sense is damage of the volume.
  public func decode<Value>(
    _ bytes: [UInt8], _ decoder: (inout ByteReader) throws(ByteReader.Failure) -> Value
  ) throws(StorageError) -> Value {
    var reader = ByteReader(bytes)
    do throws(ByteReader.Failure) {
      let value = try decoder(&reader)
      try reader.finish()
      return value
    } catch {
      throw .damaged(Damage(block: root.rootBlock, reason: .malformed))
    }
  }
}

extension Store {
  /// Bytes of a block of the device.
  public var blockByteCount: Int { space.blockByteCount }
}
