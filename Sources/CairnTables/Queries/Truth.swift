/// What a condition is for a row, as in SQL.
enum Truth: UInt8, Sendable {
  case no
  case yes
  /// Null was in the way.
  case unknown

  @inline(__always)
  init(_ value: Bool) { self = value ? .yes : .no }

  var negated: Truth {
    switch self {
    case .no: .yes
    case .yes: .no
    case .unknown: .unknown
    }
  }
}
