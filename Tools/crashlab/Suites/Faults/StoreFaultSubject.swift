import CairnBlocks
import CairnDisks
import CairnFuzz
import CairnObjects
import CairnTestSupport
import CairnVolumes

/// A store: objects, a disk, multi-call transactions, volumes.
///
///     p put a small object      l put a large one         d delete the first       w write the disk
///     m both in one commit      b begin                   s stage                  c commit
///     r roll back               P prepare                 k checkpoint             v make a volume
///     n remove it               g grow                    f fill most of what is free
///     q ask for more than there is (refused, and nothing changes)
struct StoreFaultSubject: FaultSubject {
  let shape: FaultShape

  static let word = "store"
  static let letters = Array("pldwmbscrPkvngfq")
  static let fixedTraces = [
    "pldwmk", "mmwkdk", "bscp", "bssrk", "bsPcd", "vnkp", "plgpl", "ffqdp", "lffqddk", "bffsqcd", "plkodk", "kkmkmk",
    "opolo", "bsoscok",
  ]

  private func options(_ gate: AllocationGate, life: UInt64) -> StoreOptions {
    var options = SampleImage.options(seed: 1000 + life)
    options.device.admitsAllocation = gate.admits
    return options
  }

  func make(on memory: SimulatedMemory) throws(StorageError) {
    let store = try Store.create(on: memory, format: shape.format, options: options(AllocationGate(), life: 0))
    try store.createVolume(ObjectVolume.defaultName, kind: .objects)
    try store.createDisk(Sight.disk, DiskGeometry(blockCount: 4, blockByteCount: 512))
    try store.transaction { (transaction) throws(StorageError) in
      _ = try transaction.objects().createBucket(Sight.bucket)
    }
    try store.close()
  }

  func open(_ memory: SimulatedMemory, gate: AllocationGate, life: UInt64) throws(StorageError) -> Store {
    try Store.open(on: memory, options: options(gate, life: life))
  }

  func close(_ store: Store) throws(StorageError) { try store.close() }

  func touch(_ store: Store) throws(StorageError) { try put("small", [1], store) }

  func findings(_ store: Store) throws(StorageError) -> [String] {
    try store.check(deep: true).findings.map { $0.text }
  }

  func look(at store: Store) throws(StorageError) -> FaultSight {
    // A removed volume gives its blocks back behind the commit that removed it: what failed there goes on now.
    while try !store.step(budget: 1 << 20) {}
    let sight = Sight(of: store)
    if let error = sight.errors.first { throw error }
    var seen = FaultSight(digest: sight.digest)
    // By how much a device grows by itself depends on the room that there was.
    guard !shape.growsByItself else { return seen }
    let space = store.space
    seen.capacity = space.capacity
    // Every block that was taken in vain would show. But a call of an open transaction that fails keeps what it has read,
    // which takes room.
    if try store.transactions().isEmpty { seen.free = space.free }
    return seen
  }

  func perform(_ letter: Character, _ number: UInt8, _ store: Store) throws(StorageError) {
    // A removal that was cut off goes on first: how full the catalog's blocks are depends on what is in it at one time.
    while try !store.step(budget: 1 << 20) {}
    let large = [UInt8](repeating: number, count: shape.blockByteCount * 3 + 100)
    switch letter {
    case "p": try put("small", [UInt8](repeating: number, count: 60), store)
    case "l": try put("large", large, store)
    case "d": try deleteFirst(store)
    case "w", "m":
      try store.transaction { (transaction) throws(StorageError) in
        try transaction.disk(Sight.disk).write(1, [UInt8](repeating: number, count: 512))
        if letter == "m" { _ = try transaction.bucket(Sight.bucket).put("key 0", large) }
      }
    // The leases differ, and so tell which one is the oldest: ids are random numbers, others in each life.
    case "b": _ = try store.begin(lease: .seconds(3600 + UInt64(number)))
    case "s", "c", "r", "P": try goOn(letter, number, store)
    case "k": try store.checkpoint()
    case "v":
      guard try !store.volumes().contains(where: { $0.name == "new" && !$0.isBeingRemoved }) else { return }
      try store.createDisk("new", DiskGeometry(blockCount: 8, blockByteCount: 512))
    case "n":
      guard try store.volumes().contains(where: { $0.name == "new" && !$0.isBeingRemoved }) else { return }
      try store.removeVolume("new")
    case "g": try store.grow(byByteCount: 65536)
    case "f":
      try put(
        ObjectKey("key \(1 + number % 3)"), [UInt8](repeating: number, count: mostOfFree(store)), store)
    default:
      do throws(StorageError) {
        try put("last", [UInt8](repeating: number, count: mostOfFree(store) * 2 + 65536 * 4), store)
      } catch .full where !shape.growsByItself {
        // As it should be.
      }
    }
  }

  /// Half of what is free; where a store may grow, what is free depends on how it grew, so there a number.
  private func mostOfFree(_ store: Store) -> Int { shape.growsByItself ? 30_000 : Int(store.space.free) / 2 }

  private func put(_ key: ObjectKey, _ bytes: [UInt8], _ store: Store) throws(StorageError) {
    try store.transaction { (transaction) throws(StorageError) in
      _ = try transaction.bucket(Sight.bucket).put(key, bytes)
    }
  }

  private func deleteFirst(_ store: Store) throws(StorageError) {
    try store.transaction { (transaction) throws(StorageError) in
      let bucket = try transaction.bucket(Sight.bucket)
      guard let first = try bucket.list().objects.first else { return }
      _ = try bucket.delete(first.key)
    }
  }

  /// One more call of the oldest transaction that is open.
  private func goOn(_ letter: Character, _ number: UInt8, _ store: Store) throws(StorageError) {
    guard let open = try store.transactions().min(by: { $0.expiresAt < $1.expiresAt }) else { return }
    switch letter {
    case "s" where open.state == .open:
      _ = try store.resume(open.id) { (transaction) throws(StorageError) in
        _ = try transaction.bucket(Sight.bucket).put("staged", [UInt8](repeating: number, count: 900))
      }
    case "s": break
    case "c": try store.commit(open.id)
    case "r": try store.rollback(open.id)
    default: try store.prepare(open.id)
    }
  }
}
