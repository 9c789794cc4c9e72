internal import CairnBytes
internal import Glibc

/// Records of 16 + 100 bytes in one sorted piece of memory.
@safe
final class SortedRecords {
  private var bytes: [UInt8] = []
  private var isSorted = true

  private static let recordByteCount = 16 + Scale.valueByteCount

  func append(_ key: RawSpan, _ value: RawSpan) {
    BulkCopy.append(key, to: &bytes)
    BulkCopy.append(value, to: &bytes)
    isSorted = false
  }

  func sort() {
    guard !isSorted else { return }
    isSorted = true
    unsafe bytes.withUnsafeMutableBytes { buffer in
      guard let start = buffer.baseAddress else { return }
      unsafe qsort(start, buffer.count / Self.recordByteCount, Self.recordByteCount) { left, right in
        guard let left = unsafe left, let right = unsafe right else { return 0 }
        return unsafe memcmp(left, right, 16)
      }
    }
  }

  private func lowerBound(_ key: RawSpan) -> Int {
    unsafe bytes.withUnsafeBytes { buffer in
      unsafe key.withUnsafeBytes { key in
        guard let start = buffer.baseAddress, let wanted = key.baseAddress else { return 0 }
        var low = 0
        var high = buffer.count / Self.recordByteCount
        while low < high {
          let middle = (low + high) / 2
          if unsafe memcmp(start + middle * Self.recordByteCount, wanted, 16) < 0 {
            low = middle + 1
          } else {
            high = middle
          }
        }
        return low
      }
    }
  }

  func get(_ key: RawSpan, into buffer: ReadBuffer) -> Int {
    let index = lowerBound(key)
    guard (index + 1) * Self.recordByteCount <= bytes.count else { return -1 }
    return BulkCopy.withRawSpan(of: bytes) { all in
      let record = all.extracting(index * Self.recordByteCount..<(index + 1) * Self.recordByteCount)
      let isEqual = unsafe record.withUnsafeBytes { mine in
        unsafe key.withUnsafeBytes { theirs in
          guard let left = mine.baseAddress, let right = theirs.baseAddress else { return false }
          return unsafe memcmp(left, right, 16) == 0
        }
      }
      return isEqual ? buffer.fill(record.extracting(16..<Self.recordByteCount)) : -1
    }
  }

  func scan(from key: [UInt8]?, limit: Int, _ touch: inout Touch) {
    var index = 0
    if let key { index = BulkCopy.withRawSpan(of: key) { lowerBound($0) } }
    var left = limit
    unsafe bytes.withUnsafeBytes { buffer in
      guard let start = buffer.baseAddress else { return }
      let end = buffer.count / Self.recordByteCount
      while left > 0 && index < end {
        let record = unsafe start + index * Self.recordByteCount
        unsafe touch.add(record, record + 16)
        index += 1
        left -= 1
      }
    }
  }
}
