import CairnMemory

/// The bytes of a simulated memory in two states at once, what reads see and what is on the device, as differences from a
/// base that many memories share. Setting one up costs no copy of the image.
///
/// A sector is in one of three states: as in the base, in a slot that both states share, or pending: the visible state has
/// a slot of its own.
struct SectorStore {
  let sectorByteCount: Int
  private var base: [UInt8]
  private(set) var byteCount: Int
  /// Slot of each sector in the two states; -1: as in the base.
  private var visible: [Int32]
  private var durable: [Int32]
  private var slots: [UInt8] = []
  private var unused: [Int32] = []
  /// Sectors whose states differ and that a flush makes durable, in the order of their first write.
  private(set) var pending: [Int] = []
  /// Sectors whose states differ and that no flush makes durable any more: one that failed had them.
  private(set) var stale: Set<Int> = []

  init(_ image: CrashImage) {
    sectorByteCount = image.sectorByteCount
    base = image.base
    byteCount = image.byteCount
    let count = (max(image.base.count, image.byteCount) + sectorByteCount - 1) / sectorByteCount
    visible = [Int32](repeating: -1, count: count)
    durable = visible
    if base.count < count * sectorByteCount {
      base += [UInt8](repeating: 0, count: count * sectorByteCount - base.count)
    }
    slots.reserveCapacity((image.changed.count + 16) * sectorByteCount)
    for (sector, contents) in image.changed where sector < count {
      let slot = Int32(slots.count / sectorByteCount)
      slots += contents.bytes
      visible[sector] = slot
      durable[sector] = slot
    }
  }

  mutating func grow(by byteCount: Int) {
    let count = (self.byteCount + byteCount + sectorByteCount - 1) / sectorByteCount
    // What lies behind the size is not there, whatever the base holds.
    if base.count > self.byteCount { base.removeLast(base.count - self.byteCount) }
    base += [UInt8](repeating: 0, count: count * sectorByteCount - base.count)
    if count > visible.count {
      visible += [Int32](repeating: -1, count: count - visible.count)
      durable += [Int32](repeating: -1, count: count - durable.count)
    }
    self.byteCount += byteCount
  }

  /// Copies bytes out, as reads see them or as the device has them.
  func read(at offset: Int, into target: UnsafeMutableRawBufferPointer, asOnDevice: Bool = false) {
    let map = asOnDevice ? durable : visible
    unsafe base.withUnsafeBytes { base in
      unsafe slots.withUnsafeBytes { slots in
        var done = 0
        while done < target.count {
          let position = offset + done
          let sector = position / sectorByteCount
          let within = position - sector * sectorByteCount
          var count = min(sectorByteCount - within, target.count - done)
          let slot = map[sector]
          let source: UnsafeRawBufferPointer
          if slot >= 0 {
            let start = Int(slot) * sectorByteCount + within
            unsafe source = UnsafeRawBufferPointer(rebasing: slots[start..<start + count])
          } else {
            // Neighbours of the base go in one piece.
            var next = sector + 1
            while done + count < target.count, map[next] < 0 {
              count = min(count + sectorByteCount, target.count - done)
              next += 1
            }
            unsafe source = UnsafeRawBufferPointer(rebasing: base[position..<position + count])
          }
          unsafe UnsafeMutableRawBufferPointer(rebasing: target[done..<done + count]).copyMemory(from: source)
          done += count
        }
      }
    }
  }

  /// Writes bytes, which are pending from then on.
  mutating func write(_ source: UnsafeRawBufferPointer, at offset: Int) {
    var done = 0
    while done < source.count {
      let position = offset + done
      let sector = position / sectorByteCount
      let within = position - sector * sectorByteCount
      let count = min(sectorByteCount - within, source.count - done)
      let slot = writableSlot(sector, isWhole: count == sectorByteCount)
      let start = slot * sectorByteCount + within
      unsafe slots.withUnsafeMutableBytes { slots in
        unsafe UnsafeMutableRawBufferPointer(rebasing: slots[start..<start + count]).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: source[done..<done + count]))
      }
      done += count
    }
  }

  /// The slot of a pending sector, with its old contents unless all of them are about to be replaced.
  private mutating func writableSlot(_ sector: Int, isWhole: Bool) -> Int {
    if visible[sector] != durable[sector] {
      if stale.remove(sector) != nil { pending.append(sector) }
      return Int(visible[sector])
    }
    let slot: Int
    if let free = unused.popLast() {
      slot = Int(free)
    } else {
      slot = slots.count / sectorByteCount
      slots.append(contentsOf: repeatElement(0, count: sectorByteCount))
    }
    if !isWhole {
      let old = contents(sector, asOnDevice: true)
      slots.replaceSubrange(slot * sectorByteCount..<(slot + 1) * sectorByteCount, with: old)
    }
    visible[sector] = Int32(slot)
    pending.append(sector)
    return slot
  }

  /// A sector's bytes.
  func contents(_ sector: Int, asOnDevice: Bool) -> [UInt8] {
    let slot = asOnDevice ? durable[sector] : visible[sector]
    if slot >= 0 { return Array(slots[Int(slot) * sectorByteCount..<(Int(slot) + 1) * sectorByteCount]) }
    return Array(base[sector * sectorByteCount..<(sector + 1) * sectorByteCount])
  }

  /// Makes pending sectors durable; all of them, or those that `fate` lets through: the others are `stale` then, or go back
  /// to what the device has.
  mutating func flush() {
    for sector in pending { makeDurable(sector) }
    pending.removeAll(keepingCapacity: true)
  }

  private mutating func makeDurable(_ sector: Int) {
    if durable[sector] >= 0 { unused.append(durable[sector]) }
    durable[sector] = visible[sector]
  }

  /// Ends the pending sectors: what `kept` holds is on the device; reads go on seeing what was written (`seesCache`) or see
  /// what the device has.
  mutating func settle(_ kept: [SectorBytes], seesCache: Bool) {
    for sector in kept {
      guard sector.sector < visible.count, visible[sector.sector] != durable[sector.sector] else { continue }
      if sector.bytes == contents(sector.sector, asOnDevice: false) {
        makeDurable(sector.sector)
      } else {
        // Garbage: neither state.
        let slot = slots.count / sectorByteCount
        slots += sector.bytes
        durable[sector.sector] = Int32(slot)
      }
    }
    for sector in pending where visible[sector] != durable[sector] {
      if seesCache { stale.insert(sector) } else { dropVisible(sector) }
    }
    pending.removeAll()
    if !seesCache { discardStale() }
  }

  /// Makes reads see what the device has.
  mutating func discardStale() {
    for sector in stale { dropVisible(sector) }
    stale.removeAll()
  }

  private mutating func dropVisible(_ sector: Int) {
    if visible[sector] >= 0 && visible[sector] != durable[sector] { unused.append(visible[sector]) }
    visible[sector] = durable[sector]
  }

  /// Leaves some sectors pending and makes the others durable: a flush that is not over when it says so.
  mutating func flush(keepingPending count: Int) {
    let kept = Array(pending.suffix(count))
    for sector in pending.dropLast(count) { makeDurable(sector) }
    pending = kept
  }
}
