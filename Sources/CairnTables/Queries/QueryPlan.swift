/// How a query is done, and why so: what `explain` says.
public struct QueryPlan: Hashable, Sendable, CustomStringConvertible {
  /// How the rows of a table are found.
  public enum Access: Hashable, Sendable {
    /// All rows, in the order of their keys.
    case scan
    /// One row, by its whole primary key.
    case primaryKey
    /// A part of the table, by the beginning of the primary key.
    case primaryKeyRange
    /// A part of an index, and the rows that its entries are of.
    case index(String)
    /// A part of an index, which has all columns that are asked for.
    case indexOnly(String)
    /// For each alternative of a condition the way to its rows; those of several alternatives come once.
    case union([Access])
    /// No row can be as asked for.
    case nothing
  }

  /// How the table's rows are found.
  public let access: Access
  /// The rows come in the order that is asked for by themselves.
  public let isOrdered: Bool
  /// The trees are walked backwards.
  public let isReversed: Bool
  /// How many entries were expected to be looked at.
  public let estimatedRowCount: UInt64
  /// What each step does, and why, one line each.
  public let steps: [String]

  /// The steps, one in a line.
  public var description: String {
    var text = ""
    for step in steps { text += text.isEmpty ? step : "\n" + step }
    return text
  }
}
