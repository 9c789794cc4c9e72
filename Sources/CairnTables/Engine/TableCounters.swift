import CairnBlocks
import CairnBytes
import CairnVolumes

// The numbers that auto-increment columns count with. They are kept with the transaction and written when it ends, so that
// inserting many rows does not write them again and again. A call of a multi-call transaction writes them when it ends, beside
// the transaction, so that two that are open at a time never get the same ones; what is rolled back leaves a gap.

extension TableVolume {
  /// The number that the next row gets. Throws when there is none left.
  func nextNumber(of table: TableState, _ column: Int) throws(StorageError) -> ColumnValue {
    let next = try counter(of: table)
    let type = table.schema.columns[column].type
    guard let value = type.converted(.unsigned(next)) else {
      throw .limitExceeded(what: "numbers of column \(table.schema.columns[column].name)", limit: next - 1)
    }
    return value
  }

  private func counter(of table: TableState) throws(StorageError) -> UInt64 {
    if let known = counters.first(where: { $0.table == table.id }) { return known.next }
    let next = try volume.withoutRecording { () throws(StorageError) -> UInt64 in
      guard let bytes = try volume.root.get(TableRecordKey.counter(table.id)) else { return 1 }
      return try volume.decode(bytes) { (reader) throws(ByteReader.Failure) in try reader.uint64() }
    }
    counters.append(Counter(table: table.id, next: next, isChanged: false))
    return next
  }

  /// Makes sure that numbers that follow are greater than one that a row has.
  func raiseCounter(of table: TableState, above value: ColumnValue) throws(StorageError) {
    let number: UInt64
    switch value {
    case .integer(let signed) where signed > 0: number = UInt64(signed)
    case .unsigned(let unsigned): number = unsigned
    default: return
    }
    guard try counter(of: table) <= number, let index = counters.firstIndex(where: { $0.table == table.id }) else {
      return
    }
    counters[index].next = number == .max ? .max : number + 1
    counters[index].isChanged = true
  }

  /// Writes the numbers that changed.
  func writeCounters() throws(StorageError) {
    for index in counters.indices where counters[index].isChanged {
      var writer = ByteWriter()
      writer.uint64(counters[index].next)
      try volume.root.put(TableRecordKey.counter(counters[index].table), writer.bytes)
      counters[index].isChanged = false
    }
  }

  /// Writes the numbers that a call of a multi-call transaction gave out, beside the transaction: whether it commits or
  /// not, nobody else gets them.
  func reserveCounters() throws(StorageError) {
    for counter in counters where counter.isChanged {
      // A table that only the transaction has is not there yet.
      guard try volume.root.contains(TableRecordKey.table(counter.table)) else { continue }
      var writer = ByteWriter()
      writer.uint64(counter.next)
      do throws(StorageError) {
        try volume.root.put(TableRecordKey.counter(counter.table), writer.bytes)
      } catch {
        // A prepared transaction will write it. Then the numbers are not reserved, and may make a conflict.
        guard case .conflict = error else { throw error }
      }
    }
  }

  /// A table's next number.
  struct Counter {
    let table: UInt32
    var next: UInt64
    var isChanged: Bool
  }
}
