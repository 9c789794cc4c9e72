import CairnBlocks
import CairnBytes
import CairnMemory
import CairnTestSupport

// Power loss, killed processes and damage, and what must be shown afterwards.

extension DeviceRig {
  /// What a crash makes of the sectors that are not flushed, in one of a few ways.
  func fates() -> (Int, Int) -> SimulatedMemory.Fate {
    let count = max(memory.pendingSectors.count, 1)
    let (mode, one) = (random.below(9), random.below(count))
    var dice = SeededGenerator(seed: random.next())
    return { _, index in
      switch mode {
      case 0: .old
      case 1: .new
      case 2: index == one ? .old : .new
      case 3: index == one ? .new : .old
      case 4: index == one ? .garbage : .new
      case 5: index < one ? .new : .old
      case 6: dice.below(2) == 0 ? .old : .new
      case 7: .garbage
      default: [.old, .new, .garbage][dice.below(3)]
      }
    }
  }

  func losePower(rots: Bool) throws {
    if rots && random.below(2) == 0 {
      // The write of the other copy did not arrive: what it still needs must be there.
      let copies = [0, 63 * shape.format.blockByteCount / 512]
      memory.losePower { sector, _ in copies.contains(sector) ? .old : .new }
    } else {
      memory.losePower(fates())
    }
    if rots {
      var image = DamagedImage(memory.durableImage)
      // With one copy torn by the crash the other one must stay.
      if image.superblocks.count == 2 { image.rotNewestSuperblock(noise: random.next()) }
      memory = SimulatedMemory(image: image.bytes)
    }
    try reopen(recoveryCrashes: random.below(3))
  }

  /// Of a commit only the first sector arrives, and a bit of the newest data has changed: where that sector holds a whole
  /// record, it proves that the commit of the data was durable, which then is not dropped.
  func proveAndDamage(_ letter: Character) throws {
    memory.recordsEvents = true
    memory.beforeFlush = { [memory] in memory.failsAfter = 0 }
    do { try operate(letter) } catch is Interrupted {}
    memory.beforeFlush = nil
    let ring = DamagedImage(memory.durableImage).ring
    let writes = memory.events.lazy.compactMap { event -> Int? in
      guard case .write(let offset, _) = event, ring.contains(offset) else { return nil }
      return offset
    }
    guard let first = writes.first else { return }
    memory.losePower { sector, _ in sector == first / 512 ? .new : .old }
    var image = DamagedImage(memory.durableImage)
    guard let start = pickOldExtent(current), image.record(at: first) else { return }
    image.flipDataBit(of: start, in: current, &random)
    memory = SimulatedMemory(image: image.bytes)
    try openDamaged(allowed: [current] + inFlight.map(\.state))
  }

  /// Opens the memory as after a crash, or after the process was killed, and takes the state that it shows for the current
  /// one, if it is one that may be shown. While it is recovered the power fails `recoveryCrashes` times.
  func reopen(recoveryCrashes: Int = 0) throws {
    snapshots.removeAll()
    memory.killProcess()
    for _ in 0..<recoveryCrashes {
      memory.failsAfter = random.below(4)
      do {
        device = try open()
        break
      } catch {
        guard memory.hasFailed else { throw Violation("opening fails: \(error)") }
        memory.losePower(fates())
      }
    }
    memory.killProcess()
    do { device = try open() } catch { throw Violation("opening fails: \(error)") }
    try settle()
  }

  /// Opens the memory.
  func open() throws(StorageError) -> BlockDevice {
    let image = memory.durableImage
    stateCount += 1
    hashes.insert(XXHash64.digest(image.span))
    return try BlockDevice.open(
      memory, options: OpenOptions(memoryBudget: shape.memoryBudget), environment: environment)
  }

  /// After an opening: finds out which of the states that may be shown is shown.
  func settle() throws {
    guard device.durableSequence >= acknowledged else {
      throw Violation("lost: commit \(device.durableSequence) is recovered, \(acknowledged) was acknowledged")
    }
    var reasons: [String] = []
    let allowed = [current] + inFlight.map(\.state)
    for (index, state) in allowed.enumerated() {
      do {
        try state.requireAllocated(on: device)
        try device.show(state)
      } catch {
        reasons.append("\(error)")
        continue
      }
      lost = inFlight.dropFirst(index).map(\.commit)
      current = state
      // What a lost commit had taken is a good place for the next.
      for (_, other) in inFlight { current.freed += other.blocks.keys.filter { state.blocks[$0] == nil }.sorted() }
      inFlight = []
      lastFlush = [current]
      acknowledged = device.durableSequence
      // Recovery does not know what was to be erased.
      current.erased = [:]
      return
    }
    throw Violation("none of \(allowed.count) states: \(reasons.joined(separator: "; "))")
  }

  /// Opens the memory of a damaged image: it must show an allowed state, but for what it reports as damaged.
  ///
  /// - Returns: What it reports so, by the first block; nil when the image cannot be opened at all.
  @discardableResult
  func openDamaged(allowed: [RigState]) throws -> Set<UInt64>? {
    snapshots.removeAll()
    do { device = try open() } catch {
      guard case .damaged = error else { throw Violation("opening a damaged image fails: \(error)") }
      return nil
    }
    var reasons: [String] = []
    for state in allowed {
      do {
        try state.requireAllocated(on: device, checks: false)
        return try device.show(state, toleratesDamage: true)
      } catch let error as StorageError {
        guard case .damaged(let damage) = error else { throw Violation("a damaged image: \(error)") }
        return [damage.block.rawValue]
      } catch { reasons.append("\(error)") }
    }
    throw Violation("damage is not noticed: \(reasons.joined(separator: "; "))")
  }

  /// Nothing is left of what was freed so, behind a clean close.
  func requireErased() throws(Violation) {
    let image = memory.durableImage
    let blockByteCount = shape.format.blockByteCount
    for (start, count) in current.erased.sorted(by: { $0.key < $1.key }) {
      let first = Int(start) * blockByteCount
      for offset in first..<first + Int(count) * blockByteCount where image[offset] != 0 {
        throw Violation("of block \(offset / blockByteCount), which was freed for good, bytes are left")
      }
    }
  }

  /// Everything equals what was acknowledged, and what snapshots saw.
  func verify() throws {
    do {
      try device.show(current)
      try current.requireAllocated(on: device)
      for (snapshot, state) in snapshots { try state.requireShown(by: snapshot.view) }
    } catch {
      throw error as? Violation ?? Violation("\(error)")
    }
  }

  func requirePoisoned() throws {
    do {
      try device.transaction { (transaction) throws(StorageError) in
        try RigCommit(letter: "a", seed: 1).perform(on: &current, transaction)
      }
    } catch {
      switch error {
      case .poisoned, .closed: return
      default: throw Violation("after a failure: \(error)")
      }
    }
    throw Violation("a device goes on after a failure")
  }
}
