import CairnBlocks

/// How the device of a trace is made: small, so that its journal wraps, fills and is checkpointed every few operations.
struct DeviceShape: Sendable {
  let name: String
  var pageCount: UInt64 = 1
  var blockByteCount = 512
  /// Blocks of the journal ring.
  var ringBlockCount = 16
  var imageSlotCount = 2
  var imageSlotBlockCount = 4
  /// What the memory writes at once or not at all.
  var sectorByteCount = 512
  var isMessageAtomic = false
  var growsByItself = false
  var memoryBudget = 1 << 20

  var format: FormatOptions {
    FormatOptions(
      blockByteCount: blockByteCount, journalByteCount: UInt64(ringBlockCount * blockByteCount),
      imageSlotCount: imageSlotCount, imageSlotBlockCount: imageSlotBlockCount, growsByItself: growsByItself)
  }

  static let all = [
    DeviceShape(name: "b512"),
    DeviceShape(name: "b4096", pageCount: 6, blockByteCount: 4096),
    DeviceShape(name: "b512wide", pageCount: 2, ringBlockCount: 48),
    DeviceShape(name: "b4096wide", pageCount: 6, blockByteCount: 4096, sectorByteCount: 4096),
    DeviceShape(name: "b512grows", growsByItself: true),
    DeviceShape(name: "b512atomic", isMessageAtomic: true),
  ]

  static func named(_ name: String) throws -> DeviceShape {
    guard let shape = all.first(where: { $0.name == name }) else { throw LabError("there is no shape \(name)") }
    return shape
  }
}
