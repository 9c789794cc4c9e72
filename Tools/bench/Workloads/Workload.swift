internal import CairnBytes

/// A part of a workload that is timed: chunk by chunk, so that the engines take turns.
struct Phase: Codable {
  /// What it does.
  var name: String
  /// What is counted: "puts", "records", "gets"...
  var unit: String
  var chunkCount: Int
  /// Bytes that the user gives for each of what is counted; 0 where nothing is written.
  var userByteCount: Int = 0
  /// Durable commits for each of what is counted.
  var commitsEach: Double = 0
}

/// The workloads that go by chunks.
enum WorkloadKind: String, CaseIterable, Codable {
  case w1 = "W1"
  case w1c = "W1C"
  case w2 = "W2"
  case w2s = "W2S"
  case w3 = "W3"
  case w4 = "W4"
  case w5 = "W5"
  case w6 = "W6"
  case w7 = "W7"
  case w8 = "W8"
  case readers = "R"

  /// In a sentence.
  var summary: String {
    switch self {
    case .w1: "durable puts of 1 KiB under random keys"
    case .w1c: "the same from 1 and from 16 threads"
    case .w2: "records of 16 + 100 bytes in durable transactions of 1,000, random keys"
    case .w2s: "the same with ascending keys"
    case .w3: "random gets over the records of W2, warm"
    case .w4: "ordered scan of them all, and ranges of 100"
    case .w5: "objects of 8 MiB, each durable; then read whole"
    case .w6: "rows of four columns with a unique text index and one of integers"
    case .w7: "opening after kill -9 in the middle of W2"
    case .w8: "bank transfers: read 2, write 2, durable"
    case .readers: "gets by 1, 4 and 16 threads beside one that commits"
    }
  }

  /// Which engines can take part.
  func includes(_ engine: EngineKind) -> Bool {
    switch self {
    case .w1, .w2, .w2s, .w8, .w3, .w4: engine != .files
    case .w5: true
    case .w6: engine == .cairn || engine == .sqlite
    case .w7: engine != .files && engine != .limit
    case .w1c, .readers: engine.isConcurrent
    }
  }

  func phases(_ scale: Scale) -> [Phase] {
    let record = 16 + Scale.valueByteCount
    switch self {
    case .w1:
      return [
        Phase(
          name: "put", unit: "puts", chunkCount: scale.commitChunkCount, userByteCount: 16 + Scale.putByteCount,
          commitsEach: 1)
      ]
    case .w1c:
      return [1, 16].map {
        Phase(
          name: "\($0) threads", unit: "puts", chunkCount: scale.commitChunkCount / 3,
          userByteCount: 16 + Scale.putByteCount, commitsEach: 1)
      }
    case .w2, .w2s:
      return [
        Phase(
          name: "put", unit: "records", chunkCount: scale.recordCount / (4 * Scale.batchCount), userByteCount: record,
          commitsEach: 1 / Double(Scale.batchCount))
      ]
    case .w3:
      return [
        Phase(name: "get", unit: "gets", chunkCount: scale.getChunkCount),
        Phase(name: "get, one a read", unit: "gets", chunkCount: scale.getChunkCount / 2),
        Phase(name: "miss", unit: "gets", chunkCount: scale.getChunkCount / 2),
      ]
    case .w4:
      return [
        Phase(name: "scan", unit: "records", chunkCount: max(5, 2_000_000 / scale.recordCount)),
        Phase(name: "range of 100", unit: "ranges", chunkCount: scale.getChunkCount),
      ]
    case .w5:
      return [
        Phase(
          name: "put", unit: "objects", chunkCount: scale.objectCount, userByteCount: scale.objectByteCount,
          commitsEach: 1),
        Phase(name: "warm get", unit: "objects", chunkCount: scale.objectCount),
        Phase(name: "get from its own cache", unit: "objects", chunkCount: scale.objectCount),
        Phase(name: "cold get", unit: "objects", chunkCount: scale.objectCount),
      ]
    case .w6: return TableRun.phases(scale)
    case .w8:
      return [
        Phase(
          name: "transfer", unit: "transfers", chunkCount: scale.commitChunkCount, userByteCount: 2 * record,
          commitsEach: 1)
      ]
    case .readers:
      return [1, 4, 16].map { Phase(name: "\($0) readers", unit: "gets", chunkCount: 10) }
    case .w7:
      return [
        Phase(name: "open", unit: "openings", chunkCount: 1), Phase(name: "first get", unit: "gets", chunkCount: 1),
      ]
    }
  }
}

/// One engine under one workload, in a process of its own.
final class WorkloadRun: Work {
  let kind: WorkloadKind
  let engine: any Engine
  let engineKind: EngineKind
  let folder: String
  let scale: Scale
  var random = RandomNumbers(seed: 7)
  let buffer: ReadBuffer
  let pool: ValuePool
  /// How many records or puts there are so far.
  var written = 0

  init(_ kind: WorkloadKind, _ engineKind: EngineKind, folder: String, scale: Scale) throws {
    self.kind = kind
    self.engineKind = engineKind
    self.folder = folder
    var scale = scale
    scale.limitKeepsRecords = kind == .w3 || kind == .w4
    self.scale = scale
    engine = try engineKind.make(in: folder, scale)
    let isLarge = kind == .w5
    buffer = ReadBuffer(capacity: isLarge ? scale.objectByteCount : 4096)
    pool = ValuePool(byteCount: isLarge ? scale.objectByteCount + (8 << 20) : 64 << 10)
  }

  /// Lends value `index`.
  func withValue(_ index: Int, byteCount: Int, _ body: (RawSpan) throws -> Void) rethrows {
    let offset = pool.offset(index, byteCount: byteCount)
    try BulkCopy.withRawSpan(of: pool.bytes) { all in try body(all.extracting(offset..<offset + byteCount)) }
  }

  /// Puts records of 100 bytes in durable transactions.
  func fill(space: UInt64, count: Int) throws {
    var key = [UInt8](repeating: 0, count: 16)
    let end = written + count
    while written < end {
      let upper = min(end, written + Scale.batchCount)
      try engine.transaction { writer in
        for index in written..<upper {
          Key.write(space: space, index, to: &key)
          try BulkCopy.withRawSpan(of: key) { key in
            try withValue(index, byteCount: Scale.valueByteCount) { value in try writer.put(key, value) }
          }
        }
      }
      written = upper
    }
  }

  // MARK: What the parts do

  /// What comes before the first phase, not timed.
  func prepare() throws {
    try engine.open()
    switch kind {
    case .w1, .w1c, .w2, .w2s, .w5, .w6: break
    case .w3, .w4, .readers, .w7:
      try fill(space: 2, count: scale.recordCount)
      if kind != .w7 { try reopenWarm() }
    case .w8:
      try fillAccounts()
      try reopenWarm()
    }
  }

  func close() throws { try engine.close() }

  private func reopenWarm() throws {
    // The limit has its records in memory alone.
    guard engineKind != .limit else { return }
    try engine.close()
    try engine.open()
    try engine.settle()
    var touch = Touch()
    try engine.read { reader in try reader.scan(from: nil, limit: .max, &touch) }
  }

  /// What comes before a phase, not timed.
  func begin(phase: Int) throws {
    guard kind == .w5, phase > 0 else { return }
    try engine.close()
    engine.keepsData = phase == 2
    if phase == 3 { try dropCache() }
    try engine.open()
    try engine.settle()
    guard phase < 3 else { return }
    for number in 0..<scale.objectCount { _ = try engine.getObject(number, into: buffer) }
  }

  /// A chunk; how much of the phase's unit was done.
  func run(phase: Int, chunk: Int) throws -> Int {
    switch kind {
    case .w1: return try putOneByOne()
    case .w1c: return try putFromThreads(phase == 0 ? 1 : 16)
    case .w2, .w2s:
      try fill(space: kind == .w2 ? 2 : 0, count: 4 * Scale.batchCount)
      return 4 * Scale.batchCount
    case .w3:
      switch phase {
      case 0: return try get(space: 2, below: scale.recordCount, isOneRead: true)
      case 1: return try get(space: 2, below: scale.recordCount, isOneRead: false)
      default: return try miss()
      }
    case .w4: return phase == 0 ? try scanAll() : try scanRanges()
    case .w5: return try phase == 0 ? putObject(chunk) : getObject(chunk)
    case .w8: return try transfer()
    case .readers: return try getBesideWriter([1, 4, 16][phase])
    case .w6, .w7: throw EngineFailure(description: "\(kind) does not go by chunks of keys and values")
    }
  }

  private func putOneByOne() throws -> Int {
    for _ in 0..<Scale.commitsPerChunk {
      try put(written)
      written += 1
    }
    return Scale.commitsPerChunk
  }

  /// One durable put of 1 KiB.
  func put(_ index: Int) throws {
    let key = Key.bytes(space: 1, index)
    try engine.transaction { writer in
      try BulkCopy.withRawSpan(of: key) { key in
        try withValue(index, byteCount: Scale.putByteCount) { value in try writer.put(key, value) }
      }
    }
  }

  private func get(space: UInt64, below limit: Int, isOneRead: Bool) throws -> Int {
    var key = [UInt8](repeating: 0, count: 16)
    func one(_ reader: any EngineReader) throws {
      let index = random.next(below: limit)
      Key.write(space: space, index, to: &key)
      let count = try BulkCopy.withRawSpan(of: key) { key in try reader.get(key, into: buffer) }
      try withValue(index, byteCount: Scale.valueByteCount) { value in
        guard count == Scale.valueByteCount, buffer.begins(with: value) else {
          throw EngineFailure(description: "a wrong value was read")
        }
      }
    }
    if isOneRead {
      try engine.read { reader in for _ in 0..<Scale.getsPerChunk { try one(reader) } }
    } else {
      for _ in 0..<Scale.getsPerChunk { try engine.read(one) }
    }
    return Scale.getsPerChunk
  }

  private func miss() throws -> Int {
    var key = [UInt8](repeating: 0, count: 16)
    try engine.read { reader in
      for _ in 0..<Scale.getsPerChunk {
        Key.write(space: 9, random.next(below: 1 << 40), to: &key)
        let count = try BulkCopy.withRawSpan(of: key) { key in try reader.get(key, into: buffer) }
        guard count < 0 else { throw EngineFailure(description: "a key was found that is not there") }
      }
    }
    return Scale.getsPerChunk
  }

  private func scanAll() throws -> Int {
    var touch = Touch()
    try engine.read { reader in try reader.scan(from: nil, limit: .max, &touch) }
    guard touch.count == scale.recordCount else {
      throw EngineFailure(description: "a scan found \(touch.count) of \(scale.recordCount) records")
    }
    return touch.count
  }

  private func scanRanges() throws -> Int {
    var touch = Touch()
    try engine.read { reader in
      for _ in 0..<Scale.rangesPerChunk {
        let key = Key.bytes(space: 2, random.next(below: scale.recordCount))
        try reader.scan(from: key, limit: Scale.rangeCount, &touch)
      }
    }
    guard touch.count > Scale.rangesPerChunk * Scale.rangeCount * 9 / 10 else {
      throw EngineFailure(description: "ranges are too short")
    }
    return Scale.rangesPerChunk
  }

  private func putObject(_ number: Int) throws -> Int {
    try withValue(number, byteCount: scale.objectByteCount) { bytes in try engine.putObject(number, bytes) }
    return 1
  }

  private func getObject(_ number: Int) throws -> Int {
    let count = try engine.getObject(number, into: buffer)
    guard count == scale.objectByteCount else { throw EngineFailure(description: "an object of \(count) bytes") }
    // Its two ends, so that comparing costs little beside reading.
    try withValue(number, byteCount: count) { bytes in
      guard buffer.begins(with: bytes.extracting(0..<4096)),
        buffer.contains(bytes.extracting(count - 4096..<count), at: count - 4096)
      else { throw EngineFailure(description: "a wrong object was read") }
    }
    return 1
  }

  // MARK: Accounts

  private func fillAccounts() throws {
    var value = [UInt8](repeating: 0, count: Scale.valueByteCount)
    for position in 0..<8 { value[position] = UInt8(truncatingIfNeeded: UInt64(1000) >> UInt64(8 * position)) }
    var start = 0
    while start < scale.accountCount {
      try engine.transaction { writer in
        for index in start..<start + Scale.batchCount {
          try BulkCopy.withRawSpan(of: Key.bytes(space: 8, index)) { key in
            try BulkCopy.withRawSpan(of: value) { value in try writer.put(key, value) }
          }
        }
      }
      start += Scale.batchCount
    }
  }

  private func transfer() throws -> Int {
    for _ in 0..<Scale.commitsPerChunk {
      let from = random.next(below: scale.accountCount)
      let to = (from + 1 + random.next(below: scale.accountCount - 1)) % scale.accountCount
      try engine.transaction { writer in
        for (index, difference) in [(from, Int64(-1)), (to, 1)] {
          try BulkCopy.withRawSpan(of: Key.bytes(space: 8, index)) { key in
            guard try writer.get(key, into: buffer) == Scale.valueByteCount else {
              throw EngineFailure(description: "an account is missing")
            }
            buffer.firstWord &+= UInt64(bitPattern: difference)
            try buffer.withBytes(Scale.valueByteCount) { value in try writer.put(key, value) }
          }
        }
      }
    }
    return Scale.commitsPerChunk
  }
}
