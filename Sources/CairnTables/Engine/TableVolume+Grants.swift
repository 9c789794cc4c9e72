public import CairnBlocks
import CairnBytes
public import CairnVolumes

// Who may do what with one table.

extension TableVolume {
  /// Gives a principal rights on a table, beside those that it has, and restricts the table: from then on principals that do
  /// not administer the volume need a grant on the table, whatever they may do with the volume. To come to the volume at all,
  /// or to change anything in it, they still need the volume's `read` or `write`. For administrators of the table.
  public func grant(
    _ rights: TableRights, on name: String, to principal: Principal
  ) throws(StorageError) {
    let table = try administered(name)
    let known = try grants(on: name).first { $0.principal == principal }?.rights ?? []
    try setGrant(table, principal, known.union(rights))
    try setRestricted(true, name)
  }

  /// Takes all rights on a table from a principal. The table stays restricted.
  public func revoke(_ principal: Principal, on name: String) throws(StorageError) {
    let table = try administered(name)
    guard try grants(on: name).contains(where: { $0.principal == principal }) else {
      throw .notFound(Subject("grant", principal.bytes))
    }
    try setGrant(table, principal, [])
  }

  /// Says whether a table is only for principals with grants on it, or as open as its volume.
  public func setRestricted(_ isRestricted: Bool, _ name: String) throws(StorageError) {
    let table = try administered(name)
    guard table.record.isRestricted != isRestricted, let position = catalog.find(table.id) else { return }
    let operation = TableOperation.restrict(table: table.id, isRestricted)
    try volume.perform(operation: { operation.encoded }) { () throws(StorageError) in
      try restrictNow(position, isRestricted)
    }
  }

  /// The rights that were given on a table, by principal. For administrators of the table.
  public func grants(
    on name: String
  ) throws(StorageError) -> [(principal: Principal, rights: TableRights)] {
    let table = try administered(name)
    let range = TableRecordKey.range(3, of: table.id)
    var grants: [(principal: Principal, rights: TableRights)] = []
    var cursor = try volume.root.cursor(from: range.from, to: range.to)
    while try cursor.next() {
      guard let (_, _, bytes) = TableRecordKey.split(cursor.key), let principal = try? Principal(bytes) else {
        throw damage
      }
      let rights = try volume.decode(try cursor.value()) { (reader) throws(ByteReader.Failure) in
        TableRights(rawValue: try reader.uint32())
      }
      grants.append((principal, rights))
    }
    return grants
  }

  private func administered(_ name: String) throws(StorageError) -> TableState {
    guard let position = catalog.find(name) else { throw .notFound(Subject("table", name)) }
    try require(.admin, on: catalog.tables[position])
    return catalog.tables[position]
  }

  private func setGrant(
    _ table: TableState, _ principal: Principal, _ rights: TableRights
  ) throws(StorageError) {
    guard let position = catalog.find(table.id) else { throw damage }
    let operation = TableOperation.grant(table: table.id, principal, rights)
    try volume.perform(operation: { operation.encoded }) { () throws(StorageError) in
      try grantNow(position, principal, rights)
    }
  }

  // MARK: Doing

  func grantNow(_ position: Int, _ principal: Principal, _ rights: TableRights) throws(StorageError) {
    let key = TableRecordKey.grant(catalog.tables[position].id, principal)
    if rights.isEmpty {
      try volume.root.delete(key)
    } else {
      var writer = ByteWriter()
      writer.uint32(rights.rawValue)
      try volume.root.put(key, writer.bytes)
    }
    forgetRights()
  }

  func restrictNow(_ position: Int, _ isRestricted: Bool) throws(StorageError) {
    var record = catalog.tables[position].record
    record.isRestricted = isRestricted
    try volume.root.put(TableRecordKey.table(catalog.tables[position].id), record.encoded)
    try reload()
  }
}
