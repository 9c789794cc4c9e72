import CairnBlocks
import CairnBytes
import CairnTestSupport
import Testing

@testable import CairnVolumes

@Suite("Data outside trees")
struct DataTests {
  @Test("encodes to the documented bytes, and hostile ones never trap")
  func encoding() throws {
    let data = DataExtent(
      extent: Extent(start: BlockNumber(300), count: 17), byteCount: 65_537, digests: [0x0102, 0x0304])
    var writer = ByteWriter()
    data.encode(into: &writer)
    let expected: [UInt8] = [
      0xAC, 2,  // start
      0x81, 0x80, 4,  // bytes
      2, 1, 0, 0, 0, 0, 0, 0, 4, 3, 0, 0, 0, 0, 0, 0,  // digests
    ]
    #expect(writer.bytes == expected)
    var reader = ByteReader(expected)
    #expect(try DataExtent(decoding: &reader, blockByteCount: 4096) == data)
    for count in 0..<expected.count {
      var reader = ByteReader(Array(expected[..<count]))
      #expect(throws: ByteReader.Failure.self) { try DataExtent(decoding: &reader, blockByteCount: 4096) }
    }
    var generator = SeededGenerator(seed: 5)
    for _ in 0..<5_000 {
      var bytes = expected
      for _ in 0..<3 { bytes[generator.below(bytes.count)] = UInt8(truncatingIfNeeded: generator.next()) }
      var reader = ByteReader(bytes)
      let decoded = try? DataExtent(decoding: &reader, blockByteCount: 4096)
      #expect(decoded?.isConsistent(blockByteCount: 4096) ?? true)
    }
    // Lengths that no device has.
    for hostile: [UInt8] in [[1, 0], [1] + [UInt8](repeating: 0xFF, count: 9) + [1]] {
      var reader = ByteReader(hostile)
      #expect(throws: ByteReader.Failure.self) { try DataExtent(decoding: &reader, blockByteCount: 512) }
    }
  }

  @Test("any range reads back, at every block size", arguments: [512, 4096, 65536])
  func ranges(blockByteCount: Int) throws {
    let fixture = try Fixture(pageCount: 128, blockByteCount: blockByteCount)
    var generator = SeededGenerator(seed: 11)
    for byteCount in [1, 100, 65_535, 65_536, 65_537, 131_072, 300_000] {
      let contents = generator.bytes(byteCount)
      try fixture.store.transaction { (transaction) throws(StorageError) in
        let volume = try transaction.notes("notes").volume
        let written = try volume.writeData(contents)
        #expect(written.reduce(0) { $0 + Int($1.byteCount) } == byteCount)
        var base = 0
        for data in written {
          for _ in 0..<20 {
            let low = generator.below(Int(data.byteCount) + 1)
            let high = low + generator.below(Int(data.byteCount) - low + 1)
            let part = try volume.readData(data, range: UInt64(low)..<UInt64(high))
            #expect(part == Array(contents[base + low..<base + high]), "\(low)..<\(high) of \(byteCount)")
          }
          base += Int(data.byteCount)
        }
        let data = written[0]
        do throws(StorageError) {
          _ = try volume.readData(data, range: data.byteCount..<data.byteCount + 1)
          Issue.record("a range behind the end")
        } catch {
          #expect(error == .invalidRange(lower: data.byteCount, upper: data.byteCount + 1, byteCount: data.byteCount))
        }
        // A hostile record: fewer digests than chunks.
        let broken = DataExtent(extent: data.extent, byteCount: data.byteCount, digests: [])
        do throws(StorageError) {
          _ = try volume.readData([broken])
          Issue.record("data without digests")
        } catch {
          guard case .damaged = error else { throw error }
        }
        try volume.discardData(written.map { $0.extent })
      }
    }
    #expect(try fixture.findings() == [])
  }

  @Test("wrong bytes are an error, never an answer")
  func digests() throws {
    let fixture = try Fixture()
    try fixture.store.transaction { (transaction) throws(StorageError) in
      let volume = try transaction.notes("notes").volume
      let data = try volume.writeData(bytes(100_000))[0]
      let wrong = DataExtent(extent: data.extent, byteCount: data.byteCount, digests: [data.digests[0], 1])
      _ = try volume.readData(wrong, range: 0..<10)
      do throws(StorageError) {
        _ = try volume.readData(wrong, range: 70_000..<70_010)
        Issue.record("a wrong digest")
      } catch {
        guard case .damaged = error else { throw error }
      }
    }
  }
}
