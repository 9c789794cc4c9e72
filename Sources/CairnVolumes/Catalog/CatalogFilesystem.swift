import CairnBlocks
import CairnBytes

/// The catalog seen as a filesystem, so that its changes are operations like those of volumes: staged, done again at commit,
/// refused where a prepared transaction holds something.
final class CatalogFilesystem: Filesystem {
  static let shared = CatalogFilesystem()

  let kind = VolumeKind("cata")
  let formatVersion: UInt16 = 1

  func format(_ volume: Volume, options: [UInt8]) throws(StorageError) {}

  func apply(_ operation: [UInt8], to volume: Volume) throws(StorageError) {
    let transaction = volume.transaction
    let decoded = try transaction.core.catalog.decode(operation, CatalogOperation.init(decoding:))
    try transaction.apply(decoded, in: volume)
  }

  func check(_ volume: Volume, _ check: VolumeCheck) throws(StorageError) {}

  func remove(_ volume: Volume, budget: Int) throws(StorageError) -> Bool { true }
}
