public import CairnBlocks
import CairnBytes
public import CairnVolumes

extension VolumeKind {
  /// A linear disk of numbered blocks.
  public static let disk = VolumeKind("DISK")
}

/// The code behind disks: the smallest filesystem there is, and an example of how one is written.
///
/// * What belongs to a volume stands in its trees: here one map, from a block's number to where its contents are.
/// * A change is an operation, bytes that say what to do (`DiskOperation`). `Disk` does it at once through
///   `Volume.perform`; when it was staged by a multi-call transaction, `apply` does it again, with the same code.
/// * Contents are written before the operation that names their place, and never overwritten.
/// * What is read from the device is decoded with bounds checked; nonsense is `damaged`, never a trap.
public final class DiskFilesystem: Filesystem {
  /// The filesystem; one serves all disks of a store.
  public init() {}

  /// `DISK`.
  public var kind: VolumeKind { .disk }
  /// The version of the format that is described here.
  public var formatVersion: UInt16 { 1 }

  /// Makes a disk. The option is its geometry.
  public func format(_ volume: Volume, options: [UInt8]) throws(StorageError) {
    guard let geometry = try? DiskGeometry(decoding: options) else {
      throw .invalidArgument("a disk is made with its geometry")
    }
    try volume.root.put(DiskKey.geometry, geometry.encoded)
  }

  /// Looks whether the geometry makes sense.
  public func mount(_ volume: Volume) throws(StorageError) {
    _ = try Disk(volume)
  }

  /// Does a staged operation.
  public func apply(_ operation: [UInt8], to volume: Volume) throws(StorageError) {
    let decoded = try Disk.decode(in: volume) { () throws(ByteReader.Failure) in
      try DiskOperation(decoding: operation, deviceBlockByteCount: volume.blockByteCount)
    }
    try Disk(volume).apply(decoded)
  }

  /// Every entry is of a block of the disk and decodes; the check itself finds contents that two entries share.
  public func check(_ volume: Volume, _ check: VolumeCheck) throws(StorageError) {
    let disk = try Disk(volume)
    var blockCount: UInt64 = 0
    try check.tree(volume.root) { (key, value) throws(StorageError) in
      if key == DiskKey.geometry { return }
      guard let number = DiskKey.number(key), number < disk.geometry.blockCount else {
        return check.report("an entry of no block of the disk", key: key)
      }
      guard let entry = try? disk.decode(value) else {
        return check.report("the entry of block \(number) makes no sense", key: key)
      }
      blockCount += 1
      for piece in entry.pieces { try check.data(piece) }
    }
    check.expect(items: blockCount, bytes: blockCount * UInt64(disk.geometry.blockByteCount))
  }

  /// Gives back the contents of some blocks, until the tree is empty.
  public func remove(_ volume: Volume, budget: Int) throws(StorageError) -> Bool {
    var budget = budget
    return try volume.empty(volume.root, budget: &budget) { (key, value) throws(StorageError) -> [Extent] in
      if DiskKey.number(key) == nil { return [] }
      let entry = try Disk.decode(in: volume) { () throws(ByteReader.Failure) in
        try DiskEntry(decoding: value, deviceBlockByteCount: volume.blockByteCount)
      }
      return entry.pieces.map { $0.extent }
    }
  }

  /// The number of a block in decimal.
  public func userKey(for key: [UInt8], in tree: BlockNumber, of volume: Volume) -> [UInt8] {
    DiskKey.number(key).map { Array("\($0)".utf8) } ?? []
  }
}

extension Transaction {
  /// A disk by the name of its volume. It lives as long as the transaction.
  public func disk(_ name: String) throws(StorageError) -> Disk {
    try Disk(volume(name, kind: .disk))
  }

  /// Makes a disk. All its blocks read as zeros and take no space yet.
  @discardableResult
  public func createDisk(
    _ name: String, _ geometry: DiskGeometry, quotaByteCount: UInt64? = nil
  ) throws(StorageError) -> VolumeID {
    try createVolume(name, kind: .disk, options: geometry.encoded, quotaByteCount: quotaByteCount)
  }
}

extension Store {
  /// Makes a disk. All its blocks read as zeros and take no space yet.
  @discardableResult
  public func createDisk(
    _ name: String, _ geometry: DiskGeometry, quotaByteCount: UInt64? = nil
  ) throws(StorageError) -> VolumeID {
    try transaction { (transaction) throws(StorageError) in
      try transaction.createDisk(name, geometry, quotaByteCount: quotaByteCount)
    }
  }
}
