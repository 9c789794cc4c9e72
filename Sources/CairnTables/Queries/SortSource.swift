import CairnBlocks
import CairnVolumes

/// Rows in an order; see ``RowSorter`` for those that do not fit in memory.
final class SortSource: RowSource {
  private let source: RowSource
  private let order: RowOrder
  private let sorter: RowSorter
  private var isLoaded = false

  init(_ source: RowSource, _ order: RowOrder, limit: UInt64?, budget: UInt64, _ volume: Volume) {
    self.source = source
    self.order = order
    sorter = RowSorter(limit: limit, budget: budget, volume)
  }

  override func next() throws(StorageError) -> [ColumnValue]? {
    if !isLoaded {
      isLoaded = true
      while let row = try source.next() { try sorter.insert(order.key(of: row), row) }
    }
    return try sorter.next()?.row
  }
}
