internal import ArgumentParser
internal import CairnTables

/// The columns that rows are sorted by, as a person writes them: `age desc, name`.
struct OrderClause: ExpressibleByArgument {
  /// The columns, the one that decides first in front.
  let terms: [(column: String, isDescending: Bool)]

  init?(argument: String) {
    var terms: [(column: String, isDescending: Bool)] = []
    for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
      let words = part.split(whereSeparator: \.isWhitespace).map(String.init)
      switch (words.count, words.last?.lowercased()) {
      case (1, _): terms.append((words[0], false))
      case (2, "asc"): terms.append((words[0], false))
      case (2, "desc"): terms.append((words[0], true))
      default: return nil
      }
    }
    self.terms = terms
  }

  /// The order on a schema's columns.
  func order(on schema: TableSchema) throws -> [OrderTerm] {
    try terms.map { term in
      guard schema.columnIndex(term.column) != nil else { throw Failure.noColumn(term.column, of: schema) }
      return OrderTerm(term.column, isDescending: term.isDescending)
    }
  }
}

extension Failure {
  /// A column that a table does not have.
  static func noColumn(_ name: String, of schema: TableSchema) -> Failure {
    let known = schema.columns.map(\.name).joined(separator: ", ")
    return Failure("table \(schema.name) has no column '\(name)'; it has \(known)", .usage)
  }
}
