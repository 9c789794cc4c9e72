import CairnBlocks
import CairnMemory
import CairnTestSupport
import CairnTrees
import Testing

@testable import CairnVolumes

/// Records that verify as blocks and make no sense: whatever they say, every call gives an answer or an error.
@Suite("Hostile records")
struct HostileTests {
  /// Changes some bytes of some records, below the store.
  static func spoil(_ store: Store, _ generator: inout SeededGenerator) throws(StorageError) {
    let core = store.core
    var draws = generator
    try core.device.transaction { (writer) throws(StorageError) in
      var trees = [core.catalog.tree, core.catalog.tree]
      for (_, record) in try core.catalog.transactions(in: writer.view) {
        if let root = record.staging { trees.append(Tree(root: root, owner: 255)) }
      }
      for volume in try core.catalog.volumes(in: writer.view) {
        trees.append(Tree(root: volume.record.root, owner: volume.id.rawValue))
      }
      for _ in 0...draws.below(3) {
        let tree = trees[draws.below(trees.count)]
        var entries: [(key: [UInt8], value: [UInt8])] = []
        var cursor = try RangeCursor(tree, .all, in: writer.view)
        while try cursor.next() { entries.append((cursor.key, try cursor.value())) }
        guard !entries.isEmpty else { continue }
        var (key, value) = entries[draws.below(entries.count)]
        switch draws.below(6) {
        case 0:
          _ = try tree.delete(key, in: writer)
          continue
        case 1: key[draws.below(key.count)] = UInt8(truncatingIfNeeded: draws.next())
        case 2: value = Array(value.prefix(draws.below(value.count + 1)))
        default:
          for _ in 0...draws.below(4) where !value.isEmpty {
            let extreme: [UInt8] = [0, 1, 0x7F, 0x80, 0xFF, UInt8(truncatingIfNeeded: draws.next())]
            let start = draws.below(value.count)
            let byte = extreme[draws.below(extreme.count)]
            // Whole fields of extreme bytes: the largest numbers are where sums overflow.
            for index in start..<min(value.count, start + [1, 1, 4, 8][draws.below(4)]) { value[index] = byte }
          }
        }
        _ = try tree.put(key, value, in: writer)
      }
    }
    generator = draws
  }

  /// Everything that a program can do, whatever comes of it.
  static func tryEverything(_ store: Store) {
    _ = try? store.volumes()
    _ = try? store.grants()
    _ = try? store.check(deep: true)
    let ids = (try? store.transactions().map { $0.id }) ?? []
    for volume in ["notes", "more"] {
      try? store.transaction { (transaction) throws(StorageError) in
        let notes = try transaction.notes(volume)
        for name in try notes.names() { _ = try notes.text(of: name) }
        _ = try notes.volume.usage()
        try notes.put(bytes(5_000), under: "note 7")
        try notes.remove("note 8")
      }
    }
    for (index, id) in ids.enumerated() {
      _ = try? store.resume(id, callNumber: 1) { (transaction) throws(StorageError) in
        try transaction.notes("notes").put(bytes(3_000), under: "staged")
      }
      try? store.resume(id) { (transaction) throws(StorageError) in
        try transaction.notes("more").put([1], under: "staged")
      }
      try? store.renew(id, lease: .hours(1))
      if index == 0 { try? store.prepare(id) }
      try? store.commit(id)
      try? store.rollback(id, force: true)
    }
    if let id = try? store.begin() { try? store.commit(id) }
    if let alice = try? Principal("alice") { try? store.grant(.write, to: alice, on: .store) }
    _ = try? store.createVolume("new", kind: VolumeKind("note"), quotaByteCount: 1 << 20)
    try? store.setReservation(of: "more", byteCount: .max)
    try? store.setQuota(of: "notes", byteCount: .max)
    try? store.removeVolume("more")
    try? store.removeVolume("notes")
    _ = try? store.sweep()
    _ = try? store.check(deep: true)
  }

  @Test("never trap", arguments: TestSeeds.list(count: 40))
  func neverTrap(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let fixture = try CheckTests.fixture()
    try Self.spoil(fixture.store, &generator)
    for _ in 0..<2 {
      do throws(StorageError) { try fixture.reopen() } catch { continue }
      Self.tryEverything(fixture.store)
      fixture.world.advance(.days(30))
    }
  }

  @Test("what one transaction staged may rot; the others go on")
  func rottenStaging() throws {
    let fixture = try Fixture()
    let id = try fixture.store.begin(lease: .seconds(60))
    try fixture.store.resume(id) { (transaction) throws(StorageError) in
      try transaction.notes("notes").put([1], under: "a")
    }
    try fixture.store.core.device.transaction { (writer) throws(StorageError) in
      for (_, record) in try fixture.store.core.catalog.transactions(in: writer.view) {
        guard let root = record.staging else { continue }
        var cursor = try RangeCursor(Tree(root: root, owner: 255), StagingKey.operations, in: writer.view)
        guard try cursor.next() else { continue }
        try Tree(root: root, owner: 255).put(cursor.key, [99], in: writer)
      }
    }
    fixture.world.advance(.minutes(2))
    try fixture.reopen()
    #expect(try fixture.store.sweep() == 0)
    let other = try fixture.store.begin()
    try fixture.store.resume(other) { (transaction) throws(StorageError) in
      try transaction.notes("notes").put([1], under: "b")
    }
    try fixture.store.commit(other)
    #expect(try fixture.names() == ["b"])
    #expect(try fixture.store.transactions().map { $0.isExpired } == [true])
    #expect(try fixture.findings().contains { $0.hasPrefix("catalog") })
    let error = #expect(throws: StorageError.self) { try fixture.store.rollback(id) }
    guard case .damaged = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }
}
