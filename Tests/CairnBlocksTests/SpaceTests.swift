import CairnBytes
import CairnMemory
import CairnTestSupport
import Testing

@testable import CairnBlocks

@Suite("Space")
struct SpaceTests {
  private static func isFull(_ error: StorageError?) -> Bool {
    if case .full = error { return true }
    return false
  }

  /// Blocks until the device says full.
  private static func fill(_ device: BlockDevice) throws(StorageError) -> [BlockNumber] {
    var blocks: [BlockNumber] = []
    while true {
      do {
        blocks.append(try device.add([UInt8(truncatingIfNeeded: blocks.count)]))
      } catch {
        guard isFull(error) else { throw error }
        return blocks
      }
    }
  }

  @Test("that is called free can be written, to the last block", arguments: [1, 2] as [UInt64])
  func honest(_ pageCount: UInt64) throws {
    let (memory, device) = try TestDevice.make(pageCount: pageCount)
    let space = device.space
    #expect(space.capacity == pageCount * 65536 && space.journal == 16 * 512 && space.reserved == 4 * 512)
    #expect(space.used + space.free + space.reserved == space.capacity)
    let blocks = try Self.fill(device)
    #expect(UInt64(blocks.count) * 512 == space.free && device.space.free == 0)
    #expect(device.space.used == space.used + space.free && device.space.reserved == space.reserved)
    #expect(Self.isFull(failure { () throws(StorageError) in _ = try device.addData([1]) }))
    for device in [device, try TestDevice.open(memory.durableImage)] {
      for (index, block) in blocks.enumerated() {
        #expect(try device.bytes(of: block, count: 1) == [UInt8(truncatingIfNeeded: index)])
      }
      #expect(try device.checkDevice().findings == [])
    }
  }

  @Test("that is called free can be written as data at once")
  func honestData() throws {
    let (_, device) = try TestDevice.make(pageCount: 2)
    let free = Int(device.space.free)
    #expect(
      Self.isFull(failure { () throws(StorageError) in _ = try device.addData([UInt8](repeating: 1, count: free + 1)) })
    )
    #expect(device.space.free == UInt64(free))
    let data = try device.addData([UInt8](repeating: 1, count: free))
    #expect(try device.space.free == 0 && device.bytes(of: data) == data.bytes)
  }

  @Test("comes back when blocks are freed on a full device, again and again")
  func again() throws {
    let (memory, device) = try TestDevice.make(pageCount: 1)
    var blocks = try Self.fill(device)
    for round in 0..<12 {
      // One commit frees some, the next takes the same number: their space must be ready by then.
      let count = 1 + round % 5
      try device.transaction { transaction throws(StorageError) in
        transaction.usesReserve = true
        for _ in 0..<count { try transaction.free(blocks.removeFirst()) }
      }
      #expect(device.space.free == UInt64(count) * 512)
      for _ in 0..<count { blocks.append(try device.add([UInt8(round)])) }
      #expect(Self.isFull(failure { () throws(StorageError) in _ = try device.add([0]) }))
    }
    #expect(try TestDevice.open(memory.durableImage).allocatedBlocks() == blocks.map { $0.rawValue }.sorted())
  }

  @Test("is not used again as long as a snapshot sees what was there")
  func snapshot() throws {
    let (_, device) = try TestDevice.make(pageCount: 1)
    let data = try device.addData([UInt8](repeating: 7, count: Int(device.space.free)))
    let snapshot = try device.snapshot()
    try device.transaction { transaction throws(StorageError) in
      transaction.usesReserve = true
      try transaction.free(data)
    }
    #expect(device.space.free > 0, "freed blocks count at once")
    // Four blocks were set aside; nothing else can be had.
    let more = [UInt8](repeating: 1, count: 4 * 512 + 1)
    #expect(Self.isFull(failure { () throws(StorageError) in _ = try device.addData(more) }))
    #expect(try snapshot.view.bytes(of: data) == data.bytes)
    snapshot.end()
    // Nothing was left to flush when the snapshot ended, so nothing but this asks for its blocks.
    #expect(try device.bytes(of: device.addData(more)) == more)
  }

  @Test("set aside is for those who delete")
  func reserve() throws {
    let (_, device) = try TestDevice.make(pageCount: 1)
    let blocks = try Self.fill(device)
    #expect(device.space.reserved == 4 * 512)
    try device.transaction { transaction throws(StorageError) in
      #expect(transaction.freeBlockCount == 0)
      transaction.usesReserve = true
      #expect(transaction.freeBlockCount == 4)
      // What deleting may need for itself.
      for _ in 0..<4 { _ = try transaction.add([1]) }
      #expect(
        Self.isFull(
          failure { () throws(StorageError) in _ = try transaction.allocate(kind: TestDevice.kind, owner: 1) }))
      for block in blocks.prefix(8) { try transaction.free(block) }
    }
    #expect(device.space.reserved == 4 * 512 && device.space.free == 4 * 512)
  }

  @Test("asked for in impossible amounts is refused", arguments: [UInt64.max, 1 << 40, 100_000])
  func huge(_ blockCount: UInt64) throws {
    let (_, device) = try TestDevice.make()
    let free = device.space.free
    #expect(
      Self.isFull(
        failure { () throws(StorageError) in
          _ = try device.transaction { t throws(StorageError) in try t.allocateExtents(blockCount: blockCount) }
        }))
    #expect(Self.isFull(failure { () throws(StorageError) in _ = try device.reserveExtents(blockCount: blockCount) }))
    #expect(device.space.free == free)
  }

  @Test("of few pieces is handed out in few pieces")
  func runs() throws {
    let (_, device) = try TestDevice.make(pageCount: 4)
    let blocks = try Self.fill(device)
    // Every other block, and one run of twenty.
    try device.transaction { transaction throws(StorageError) in
      transaction.usesReserve = true
      for index in stride(from: 0, to: 100, by: 2) { try transaction.free(blocks[index]) }
      for block in blocks[200..<220] { try transaction.free(block) }
    }
    let extents = try device.transaction { t throws(StorageError) in try t.allocateExtents(blockCount: 20) }
    #expect(extents == [Extent(start: blocks[200], count: 20)])
    let rest = try device.transaction { t throws(StorageError) in try t.allocateExtents(blockCount: 50) }
    // The four blocks that were set aside lie in one run.
    #expect(rest.count == 47 && rest.reduce(0) { $0 + $1.count } == 50)
    #expect(try device.checkDevice().findings == [])
  }
}

@Suite("Reservations")
struct ReservationTests {
  private static func write(_ bytes: [UInt8], _ reservation: ExtentReservation, at start: BlockNumber)
    throws(StorageError)
    -> [UInt64]
  {
    try BulkCopy.withRawSpan(of: bytes) { span throws(StorageError) in try reservation.writeData(span, at: start) }
  }

  @Test("become part of a commit when they are claimed")
  func claimed() throws {
    let (memory, device) = try TestDevice.make()
    let free = device.space.free
    let reservation = try device.reserveExtents(blockCount: 4)
    #expect(device.space.free == free - 4 * 512)
    let start = reservation.extents[0].start
    let bytes = (0..<1800).map { UInt8(truncatingIfNeeded: $0 &* 3) }
    let digests = try Self.write(bytes, reservation, at: start)
    // Others commit meanwhile, and get none of it.
    let other = try device.addData([UInt8](repeating: 1, count: 2000))
    #expect(Set(other.extents.map { $0.start }).isDisjoint(with: [start]))
    let extents = try device.transaction { transaction throws(StorageError) in
      let extents = try transaction.claim(reservation)
      #expect(try transaction.claim(reservation) == [], "it can be claimed once")
      return extents
    }
    #expect(reservation.extents == [] && device.space.free == free - 8 * 512)
    let data = StoredData(bytes: bytes, extents: extents, digests: [digests])
    for device in [device, try TestDevice.open(memory.durableImage)] {
      #expect(try device.bytes(of: data) == bytes && device.checkDevice().findings == [])
    }
    // The commit names the data: without them it does not count.
    let damaged = memory.durableImage.flipping(bit: Int(start.rawValue) * 4096)
    #expect(try TestDevice.open(damaged).durableSequence == 1)
  }

  @Test("dropped give their space back")
  func dropped() throws {
    let (memory, device) = try TestDevice.make(pageCount: 1)
    let free = device.space.free
    var reservation: ExtentReservation? = try device.reserveExtents(blockCount: free / 512)
    #expect(device.space.free == 0 && reservation?.extents.isEmpty == false)
    guard case .full = failure({ () throws(StorageError) in _ = try device.add([1]) }) else {
      return #expect(Bool(false), "reserved space was given away")
    }
    reservation = nil
    #expect(try device.space.free == free && device.bytes(of: device.add([1]), count: 1) == [1])
    // After a crash as well.
    let held = try device.reserveExtents(blockCount: 10)
    #expect(try TestDevice.open(memory.durableImage).space.free == free - 512)
    withExtendedLifetime(held) {}
  }

  @Test("claimed by a transaction that rolls back give their space back")
  func rolledBack() throws {
    let (_, device) = try TestDevice.make()
    let free = device.space.free
    let reservation = try device.reserveExtents(blockCount: 5)
    #expect(
      failure { () throws(StorageError) in
        try device.transaction { transaction throws(StorageError) in
          _ = try transaction.claim(reservation)
          throw .transactionFailed
        }
      } == .transactionFailed)
    #expect(try device.space.free == free && device.allocatedBlocks() == [])
    #expect(try device.bytes(of: device.addData([UInt8](repeating: 2, count: Int(free)))).count == Int(free))
  }

  @Test("grow, and give back what they do not need")
  func extendAndTrim() throws {
    let (_, device) = try TestDevice.make()
    let free = device.space.free
    let reservation = try device.reserveExtents(blockCount: 2)
    _ = try reservation.extend(blockCount: 6)
    #expect(device.space.free == free - 8 * 512)
    reservation.trimLast(to: 1)
    #expect(reservation.extents.reduce(0) { $0 + $1.count } == 3 && device.space.free == free - 3 * 512)
    reservation.trimLast(to: 9)
    #expect(device.space.free == free - 3 * 512)
    #expect(
      failure { () throws(StorageError) in
        _ = try Self.write([UInt8](repeating: 0, count: 5000), reservation, at: reservation.extents[0].start)
      } != nil)
    for start in [BlockNumber(0), BlockNumber(.max)] {
      guard
        case .invalidArgument = failure({ () throws(StorageError) in _ = try Self.write([1], reservation, at: start) })
      else { return #expect(Bool(false), "data went to block \(start)") }
    }
    _ = try device.transaction { transaction throws(StorageError) in try transaction.claim(reservation) }
    #expect(try device.allocatedBlocks().count == 3)
  }

  @Test("get what a checkpoint makes free")
  func deferred() throws {
    let (_, device) = try TestDevice.make(pageCount: 1)
    let data = try device.addData([UInt8](repeating: 1, count: Int(device.space.free)))
    try device.transaction { transaction throws(StorageError) in
      transaction.usesReserve = true
      try transaction.free(data)
    }
    let reservation = try device.reserveExtents(blockCount: data.blockCount)
    #expect(reservation.extents.reduce(0) { $0 + UInt64($1.count) } == data.blockCount)
  }
}
