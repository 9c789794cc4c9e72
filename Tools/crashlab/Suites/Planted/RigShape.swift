import CairnBlocks

/// The size of things. Small, so that the ring wraps and fills every few commits.
struct RigShape {
  var name: String
  var pageCount: UInt64 = 2
  var format: FormatOptions
  var memoryBudget = 1 << 20

  static let small = RigShape(
    name: "small",
    format: FormatOptions(
      blockByteCount: 512, journalByteCount: 16 * 512, imageSlotCount: 2, imageSlotBlockCount: 4))
  static let roomy = RigShape(
    name: "roomy",
    format: FormatOptions(
      blockByteCount: 512, journalByteCount: 16 * 512, imageSlotCount: 2, imageSlotBlockCount: 8))
  static let wide = RigShape(
    name: "wide",
    format: FormatOptions(
      blockByteCount: 512, journalByteCount: 64 * 512, imageSlotCount: 2, imageSlotBlockCount: 4))
  static let big = RigShape(
    name: "big", pageCount: 6,
    format: FormatOptions(
      blockByteCount: 4096, journalByteCount: 16 * 4096, imageSlotCount: 2, imageSlotBlockCount: 2))
  static let cramped = RigShape(
    name: "cramped", pageCount: 4,
    format: FormatOptions(
      blockByteCount: 512, journalByteCount: 64 * 512, imageSlotCount: 2, imageSlotBlockCount: 8), memoryBudget: 1)
  static let huge = RigShape(
    name: "huge", pageCount: 300,
    format: FormatOptions(
      blockByteCount: 4096, journalByteCount: 64 * 4096, imageSlotCount: 2, imageSlotBlockCount: 4))
  static let all = [small, roomy, wide, big, cramped, huge]
}
