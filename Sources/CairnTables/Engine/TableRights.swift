/// What a principal may do with one table.
public struct TableRights: OptionSet, Hashable, Sendable, CustomStringConvertible {
  /// One bit a right.
  public let rawValue: UInt32

  /// Rights by their bits.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Look at rows.
  public static let read = TableRights(rawValue: 1)
  /// Add rows.
  public static let insert = TableRights(rawValue: 2)
  /// Change rows.
  public static let update = TableRights(rawValue: 4)
  /// Delete rows.
  public static let delete = TableRights(rawValue: 8)
  /// Change the schema, drop the table, grant rights on it.
  public static let admin = TableRights(rawValue: 16)

  /// All of them.
  public static let all: TableRights = [.read, .insert, .update, .delete, .admin]

  /// The rights by name.
  public var description: String {
    var text = ""
    let names: [(TableRights, String)] = [
      (.read, "read"), (.insert, "insert"), (.update, "update"), (.delete, "delete"), (.admin, "administer"),
    ]
    for (right, name) in names where contains(right) { text += text.isEmpty ? name : ", " + name }
    return text.isEmpty ? "nothing" : text
  }
}
