/// A row that a rule of its table does not allow.
public struct ConstraintViolation: Hashable, Sendable {
  /// What kind of rule it is.
  public enum Kind: Hashable, Sendable {
    /// There is a row with this primary key.
    case primaryKey
    /// There is a row with the same values in a unique index.
    case unique
    /// A column may not be null.
    case notNull
    /// A check of the table is false.
    case check
    /// A validator of a column refuses the value.
    case validator
    /// The row refers to one that is not there.
    case reference
    /// Other rows refer to the row.
    case referenced
  }

  /// What kind of rule it is.
  public let kind: Kind
  /// The table of the row.
  public let table: String
  /// The rule: the name of an index, a column, a check or a reference.
  public let name: String
  /// The row, by the values of its primary key.
  public let key: String

  /// A violation.
  public init(_ kind: Kind, table: String, name: String, key: String) {
    self.kind = kind
    self.table = table
    self.name = name
    self.key = key
  }
}

extension ConstraintViolation: CustomStringConvertible {
  /// The row and the rule in a sentence.
  public var description: String {
    let row = "row \(key) of table \(table)"
    switch kind {
    case .primaryKey: return "there is a \(row) already"
    case .unique: return "\(row) has the same values as another one in the unique index \(name)"
    case .notNull: return "column \(name) of \(row) may not be null"
    case .check: return "\(row) does not obey the check \(name)"
    case .validator: return "\(row) has a value that \(name) does not allow"
    case .reference: return "\(row) refers to a row that is not there, by \(name)"
    case .referenced: return "other rows refer to \(row), by \(name)"
    }
  }
}
