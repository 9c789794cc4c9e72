import CairnBlocks

/// Damage in words.
enum DamageText {
  static func describe(_ damage: Damage) -> String {
    switch damage.reason {
    case .superblocks: "no superblock verifies"
    case .checksum: "the block's checksum does not match"
    case .misdirected(let found): "the block says that it is block \(found)"
    case .foreignStore: "the block belongs to another store"
    case .staleBlock(let found, let expected):
      "an old version of the block (generation \(found), expected \(expected)): a write was lost"
    case .staleGenerationTable(let found, let expected):
      "the generation table is older (\(expected)) than the block (\(found)): a write of the table was lost"
    case .wrongKind(let found, let expected): "the block is of kind \(found), expected \(expected)"
    case .malformed: "the contents break the rules of their structure"
    case .outOfRange: "a pointer leaves the device"
    case .digest: "the data do not match their digest"
    case .journal(let sequence): "the record of commit \(sequence) does not verify, and later ones are there"
    case .allocation: "the block is free, or used twice"
    }
  }
}
