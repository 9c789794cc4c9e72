import CairnBytes
package import CairnMemory

/// A memory over the bytes of an image, as fast as memory is: nothing is recorded and nothing fails. It grows by a few
/// pages at most, so that an image that claims to be large cannot take much. For one thread.
package final class ImageMemory: StableMemory, @unchecked Sendable {
  /// What stands in it.
  package private(set) var bytes: [UInt8]
  private let byteCountMax: Int
  /// Always the harder one: sectors that can be torn.
  package var guarantees: MemoryGuarantees { .sectors(byteCount: 512) }
  package var isWritable: Bool { true }

  /// A memory that holds an image. What is missing to a whole page does not count.
  package init(_ image: [UInt8], growingBy pageCount: Int = 16) {
    let page = Int(MemoryPage.byteCount)
    bytes = image
    bytes.removeLast(image.count % page)
    byteCountMax = bytes.count + pageCount * page
  }

  /// A memory of zeros.
  package convenience init(pageCount: Int) {
    self.init([UInt8](repeating: 0, count: pageCount * Int(MemoryPage.byteCount)))
  }

  package var pageCount: UInt64 { UInt64(bytes.count) / MemoryPage.byteCount }

  package func grow(by pages: UInt64) throws(MemoryError) {
    guard pages <= UInt64(byteCountMax - bytes.count) / MemoryPage.byteCount else { throw .full }
    bytes += [UInt8](repeating: 0, count: Int(pages * MemoryPage.byteCount))
  }

  package func read(at offset: UInt64, into target: inout MutableRawSpan) throws(MemoryError) {
    let range = try range(offset, target.byteCount)
    BulkCopy.withRawSpan(of: bytes) { BulkCopy.copy($0.extracting(range), into: &target) }
  }

  package func write(_ source: RawSpan, at offset: UInt64) throws(MemoryError) {
    let range = try range(offset, source.byteCount)
    BulkCopy.withMutableRawSpan(of: &bytes) { BulkCopy.copy(source, into: &$0, at: range.lowerBound) }
  }

  package func flush() {}
  package func discardCache() {}

  private func range(_ offset: UInt64, _ count: Int) throws(MemoryError) -> Range<Int> {
    guard offset <= UInt64(bytes.count), UInt64(count) <= UInt64(bytes.count) - offset else {
      throw .outOfBounds(offset: offset, count: UInt64(count), size: UInt64(bytes.count))
    }
    return Int(offset)..<Int(offset) + count
  }
}
