/// W6: one engine's tables, in a process of its own. Texts are made before the time is taken; whatever is read is counted and
/// summed, and must be what was written.
final class TableRun: Work {
  private let engine: any TableEngine
  private let scale: Scale
  private var random = RandomNumbers(seed: 3)
  private var people: [Person] = []
  private var emails: [String] = []
  private var inserted = 0
  private var expected = SeenRows()
  /// How many numbers lie between two people that are deleted.
  private var deletionStep: Int { max(1, scale.recordCount / scale.changedRowCount) }

  /// The phases in their order.
  enum Part: String, CaseIterable {
    case insert = "insert"
    case byID = "by id"
    case byIDAlone = "by id, one a read"
    case byEmail = "by e-mail"
    case byEmailAlone = "by e-mail, one a read"
    case range = "range, order, limit 20"
    case join = "join"
    case group = "group by"
    case groupOfIndex = "group by, indexed"
    case update = "update"
    case delete = "delete"
  }

  init(_ engineKind: EngineKind, folder: String, scale: Scale) throws {
    self.scale = scale
    switch engineKind {
    case .cairn: engine = try CairnTableEngine(folder: folder, scale: scale)
    #if BenchmarkPeers
      case .sqlite: engine = SQLiteTableEngine(folder: folder)
    #endif
    default: throw EngineFailure(description: "\(engineKind) has no tables")
    }
  }

  static func phases(_ scale: Scale) -> [Phase] {
    let commits = 1 / Double(Scale.batchCount)
    return Part.allCases.map { part in
      switch part {
      case .insert:
        Phase(
          name: part.rawValue, unit: "rows", chunkCount: scale.recordCount / (4 * Scale.batchCount),
          userByteCount: Person.byteCount, commitsEach: commits)
      case .byID, .byEmail: Phase(name: part.rawValue, unit: "rows", chunkCount: scale.getChunkCount)
      case .byIDAlone, .byEmailAlone: Phase(name: part.rawValue, unit: "rows", chunkCount: scale.getChunkCount / 2)
      case .range: Phase(name: part.rawValue, unit: "queries", chunkCount: scale.getChunkCount)
      case .join, .group, .groupOfIndex: Phase(name: part.rawValue, unit: "rows", chunkCount: 3)
      case .update, .delete:
        Phase(
          name: part.rawValue, unit: "rows", chunkCount: scale.changedRowCount / (4 * Scale.batchCount),
          userByteCount: 16, commitsEach: commits)
      }
    }
  }

  func prepare() throws { try engine.open() }

  func close() throws { try engine.close() }

  /// What comes before a phase, not timed.
  func begin(phase: Int) throws {
    expected = SeenRows()
    switch Part.allCases[phase] {
    case .insert, .byIDAlone, .byEmailAlone, .range, .update, .delete: break
    case .byID, .byEmail:
      // Warm: every row was seen.
      try engine.read { reader in
        var seen = SeenRows()
        for number in 1...scale.recordCount { try reader.person(Int64(number), &seen) }
      }
    case .join:
      for first in stride(from: 0, to: scale.recordCount, by: Scale.batchCount) {
        try engine.transaction { writer in
          for number in first..<first + Scale.batchCount {
            try writer.insert(Visit(number, peopleCount: scale.recordCount))
          }
        }
      }
      for number in 0..<scale.recordCount {
        let visit = Visit(number, peopleCount: scale.recordCount)
        expected.add(visit.id, Person.age(Int(visit.person)))
      }
    case .group:
      var isThere: Set<Int64> = []
      for number in 0..<scale.recordCount {
        let visit = Visit(number, peopleCount: scale.recordCount)
        if isThere.insert(visit.minutes).inserted { expected.add(visit.minutes) }
        expected.sum &+= 1 + visit.person
      }
    case .groupOfIndex:
      var isThere: Set<Int64> = []
      for number in 1...scale.recordCount {
        if isThere.insert(Person.age(number)).inserted { expected.add(Person.age(number)) }
        expected.sum &+= 1 + Int64(number)
      }
    }
  }

  /// What comes before a chunk, not timed.
  func prepare(phase: Int, chunk: Int) {
    switch Part.allCases[phase] {
    case .insert: people = (1...4 * Scale.batchCount).map { Person(inserted + $0) }
    case .byEmail: emails = (0..<Scale.getsPerChunk).map { _ in Person.email(anyNumber()) }
    case .byEmailAlone: emails = (0..<Scale.getsPerChunk).map { _ in Person.email(anyNumber()) }
    default: break
    }
  }

  private func anyNumber() -> Int { 1 + random.next(below: scale.recordCount) }

  /// A chunk; how much of the phase's unit was done.
  func run(phase: Int, chunk: Int) throws -> Int {
    var seen = SeenRows()
    switch Part.allCases[phase] {
    case .insert: return try insert()
    case .byID:
      try engine.read { reader in
        for _ in 0..<Scale.getsPerChunk { try reader.person(Int64(anyNumber()), &seen) }
      }
      return try requireAll(seen)
    case .byIDAlone:
      for _ in 0..<Scale.getsPerChunk {
        try engine.ask { reader in try reader.person(Int64(anyNumber()), &seen) }
      }
      return try requireAll(seen)
    case .byEmail:
      try engine.read { reader in for email in emails { try reader.person(email: email, &seen) } }
      return try requireAll(seen)
    case .byEmailAlone:
      for email in emails { try engine.ask { reader in try reader.person(email: email, &seen) } }
      return try requireAll(seen)
    case .range:
      try engine.read { reader in
        for _ in 0..<Scale.rangesPerChunk {
          let low = Person.ages.lowerBound + Int64(random.next(below: Person.ages.count - 10))
          try reader.people(ages: low...low + 9, limit: 20, &seen)
        }
      }
      guard seen.count == 20 * Scale.rangesPerChunk else { throw EngineFailure(description: "ranges are too short") }
      return Scale.rangesPerChunk
    case .join:
      try engine.read { reader in try reader.visitsWithAges(&seen) }
      return try requireExpected(seen)
    case .group:
      try engine.read { reader in try reader.visitsByMinutes(&seen) }
      return try requireExpected(seen)
    case .groupOfIndex:
      try engine.read { reader in try reader.peopleByAge(&seen) }
      return try requireExpected(seen)
    case .update: return try update()
    case .delete: return try delete(chunk)
    }
  }

  private func requireAll(_ seen: SeenRows) throws -> Int {
    guard seen.count == Scale.getsPerChunk, seen.byteCount == seen.count * (15 + 29) else {
      throw EngineFailure(description: "\(seen.count) of \(Scale.getsPerChunk) rows, \(seen.byteCount) bytes of text")
    }
    return seen.count
  }

  private func requireExpected(_ seen: SeenRows) throws -> Int {
    guard seen == expected else { throw EngineFailure(description: "\(seen) instead of \(expected)") }
    return scale.recordCount
  }

  // MARK: Changes

  private func insert() throws -> Int {
    for first in stride(from: 0, to: people.count, by: Scale.batchCount) {
      try engine.transaction { writer in
        for index in first..<first + Scale.batchCount { try writer.insert(people[index]) }
      }
    }
    inserted += people.count
    return people.count
  }

  private func update() throws -> Int {
    for _ in 0..<4 {
      try engine.transaction { writer in
        for _ in 0..<Scale.batchCount {
          let age = Person.ages.lowerBound + Int64(random.next(below: Person.ages.count))
          guard try writer.setAge(age, of: Int64(anyNumber())) else {
            throw EngineFailure(description: "a person is missing")
          }
        }
      }
    }
    return 4 * Scale.batchCount
  }

  private func delete(_ chunk: Int) throws -> Int {
    for batch in 0..<4 {
      try engine.transaction { writer in
        for index in 0..<Scale.batchCount {
          let number = 1 + ((4 * chunk + batch) * Scale.batchCount + index) * deletionStep
          guard try writer.delete(Int64(number)) else { throw EngineFailure(description: "a person is missing") }
        }
      }
    }
    return 4 * Scale.batchCount
  }
}
