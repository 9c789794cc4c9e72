public import CairnBlocks
import CairnBytes
public import CairnVolumes

extension DiskFilesystem {
  /// Whether the root tree has a disk's geometry.
  public func recognizes(_ salvage: VolumeSalvage) throws(StorageError) -> Bool {
    let device = salvage.blockByteCount
    let root = try salvage.tree(salvage.root, isRecord: { Self.isRecord($0, $1, device) }, describe: nil)
    guard let value = try root.value(of: DiskKey.geometry) else { return false }
    return (try? DiskGeometry(decoding: value)) != nil
  }

  /// Brings over every block of the disk whose contents verify. The others read as zeros in the copy, and are told. A disk
  /// whose size is lost becomes as large as the last block that is left asks for.
  public func salvage(_ salvage: VolumeSalvage) throws(StorageError) {
    let device = salvage.blockByteCount
    let root = try salvage.tree(
      salvage.root, isRecord: { Self.isRecord($0, $1, device) }, describe: { Self.describe($0, $1) })
    guard let geometry = try geometry(root, salvage) else {
      return try salvage.lose("the whole disk: neither its size nor any of its blocks is left")
    }
    try salvage.create(options: geometry.encoded)
    try root.scan(from: DiskKey.block(0)) { (key, value) throws(StorageError) -> Bool in
      guard let number = DiskKey.number(key), number < geometry.blockCount, let value,
        let entry = try? DiskEntry(decoding: value, deviceBlockByteCount: device),
        entry.byteCount == UInt64(geometry.blockByteCount)
      else {
        try salvage.lose("an entry of the disk that does not verify", key: DiskKey.text(key))
        return true
      }
      var bytes: [UInt8] = []
      for piece in entry.pieces {
        guard let part = try salvage.readData(piece) else {
          try salvage.lose(
            "a block of the disk: its contents do not verify; it reads as zeros", key: DiskKey.text(key),
            block: piece.extent.start)
          return true
        }
        bytes += part
      }
      try salvage.change { (volume) throws(StorageError) in try Disk(volume).write(number, bytes) }
      return true
    }
  }

  private static func isRecord(_ key: [UInt8], _ value: [UInt8]?, _ deviceBlockByteCount: Int) -> Bool {
    guard let value else { return false }
    if key == DiskKey.geometry { return (try? DiskGeometry(decoding: value)) != nil }
    return DiskKey.number(key) != nil
      && (try? DiskEntry(decoding: value, deviceBlockByteCount: deviceBlockByteCount)) != nil
  }

  private static func describe(_ low: [UInt8], _ high: [UInt8]?) -> String {
    let end = high.flatMap { DiskKey.number($0) }.map { "before \($0)" } ?? "the end"
    return "blocks of the disk from \(DiskKey.number(low) ?? 0) to \(end), which read as zeros"
  }

  /// The geometry, or one that has room for all blocks that are left.
  private func geometry(_ root: SalvageTree, _ salvage: VolumeSalvage) throws(StorageError) -> DiskGeometry? {
    if let value = try root.value(of: DiskKey.geometry), let geometry = try? DiskGeometry(decoding: value) {
      return geometry
    }
    let device = salvage.blockByteCount
    var last: (number: UInt64, byteCount: UInt64)?
    try root.scan(from: DiskKey.block(0)) { (key, value) throws(StorageError) -> Bool in
      if let number = DiskKey.number(key), let value,
        let entry = try? DiskEntry(decoding: value, deviceBlockByteCount: device)
      {
        last = (number, entry.byteCount)
      }
      return true
    }
    guard let last, last.number < .max,
      let geometry = try? DiskGeometry(blockCount: last.number + 1, blockByteCount: Int(clamping: last.byteCount))
    else { return nil }
    try salvage.lose("the size of the disk; it has \(geometry.blockCount) blocks now")
    return geometry
  }
}

extension DiskKey {
  /// The number of a key's block in decimal.
  fileprivate static func text(_ key: [UInt8]) -> [UInt8] { number(key).map { Array("\($0)".utf8) } ?? [] }
}
