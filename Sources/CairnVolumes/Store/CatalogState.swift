import CairnBlocks
import CairnTrees

/// The volumes and held ranges of one generation of the catalog. Never changes, so all calls share it.
final class CatalogState: Sendable {
  let generation: UInt64
  /// All volumes, ascending by id.
  let volumes: [CatalogVolume]
  /// What prepared transactions hold; nil when there are none.
  let holds: Holds?
  /// Some volume keeps blocks from the others.
  let hasReservations: Bool

  init(generation: UInt64, volumes: [CatalogVolume], holds: Holds?) {
    self.generation = generation
    self.volumes = volumes
    self.holds = holds
    hasReservations = volumes.contains { $0.record.reservationByteCount > 0 }
  }

  /// The state as a view sees it.
  static func load(_ catalog: Catalog, _ store: StoreRecord, in view: BlockView) throws(StorageError) -> CatalogState {
    let volumes = try catalog.volumes(in: view)
    var holds: Holds?
    if store.preparedTransactionCount > 0 {
      var entries: [Holds.Entry] = []
      for (id, record) in try catalog.transactions(in: view) where record.state == .prepared {
        guard let root = record.staging else { continue }
        var cursor = try RangeCursor(Tree(root: root, owner: catalog.tree.owner), StagingKey.holds, in: view)
        while try cursor.next() {
          let range = try catalog.decode(cursor.value(), HeldRange.init(decoding:))
          entries.append(Holds.Entry(transaction: id, range: range))
        }
      }
      holds = Holds(entries)
    }
    return CatalogState(generation: store.generation, volumes: volumes, holds: holds)
  }

  /// A volume by its name; removed ones have none.
  func volume(named name: String) -> CatalogVolume? {
    volumes.first { !$0.record.isBeingRemoved && $0.record.name.utf8.elementsEqual(name.utf8) }
  }

  /// A volume by its id.
  func volume(_ id: VolumeID) -> CatalogVolume? {
    volumes.first { $0.id == id }
  }
}
