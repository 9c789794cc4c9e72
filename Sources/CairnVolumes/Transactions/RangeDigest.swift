import CairnBlocks
import CairnBytes
import CairnTrees

extension RecordedRead {
  /// What is in a range now, in 64 bits.
  static func digest(
    of range: KeyRange, countsOnly: Bool, in tree: Tree, _ view: BlockView
  ) throws(StorageError) -> UInt64 {
    if countsOnly { return try tree.count(in: view) }
    var hash = XXHash64()
    try tree.scan(from: range.low.isEmpty ? nil : range.low, to: range.high, in: view) {
      (key, value) throws(StorageError) -> Bool in
      // The lengths keep neighbours apart: "ab"+"c" is not "a"+"bc".
      var lengths = ByteWriter()
      lengths.uint32(UInt32(truncatingIfNeeded: key.byteCount))
      lengths.uint64(UInt64(value.byteCount))
      hash.update(lengths.bytes.span)
      hash.update(key)
      hash.update(value)
      return true
    }
    return hash.finish()
  }

  /// What a read is found by: the same for the same range of the same tree.
  var identity: UInt64 {
    var subject = self
    subject.digest = 0
    return XXHash64.digest(subject.encoded.span)
  }
}
