import CairnBytes

/// The part of a volume's walk that one piece of a check looks at: from an entry of one of its trees on, until the budget is spent.
///
/// A filesystem walks its trees in the same order each time; those before the window are passed over.
final class CheckWindow {
  private let start: CheckCursor.Place
  private var budget: Int
  /// Trees that the filesystem came to.
  private var treeCount: UInt32 = 0
  /// Where the next piece begins; nil: the walk came to its end.
  private(set) var next: CheckCursor.Place?

  init(from start: CheckCursor.Place, budget: Int) {
    self.start = start
    self.budget = max(1, budget)
  }

  /// Whether the next piece begins before what comes now.
  var isSpent: Bool { budget <= 0 }

  /// Comes to a tree: the key at which to begin, empty for its first one; nil: the tree is none of this piece's.
  func enter() -> [UInt8]? {
    let number = treeCount
    treeCount += 1
    guard next == nil, number >= start.tree else { return nil }
    return number == start.tree ? start.key : []
  }

  /// Counts an entry, or blocks of data.
  func spend(_ count: UInt64) { budget -= Int(clamping: count) }

  /// Ends the piece before an entry of the tree that was entered last.
  func stop(before key: [UInt8]) { next = CheckCursor.Place(tree: treeCount - 1, key: key) }
}

/// How far a check in pieces came: bytes that a caller keeps where it likes, with a client or in a map. They are good for as long as
/// the volume lives.
///
///     offset  size  field
///          0     1  version of these bytes, 1
///          1     8  which of all volumes that ever were
///          9     4  the tree, counted in the order in which the filesystem walks them
///         13     n  the key of the entry with which to go on; empty: the first one
public struct CheckCursor: Hashable, Sendable {
  /// The bytes.
  public let bytes: [UInt8]

  /// A cursor that an earlier piece gave.
  public init(_ bytes: [UInt8]) { self.bytes = bytes }

  struct Place: Equatable {
    var tree: UInt32 = 0
    var key: [UInt8] = []
  }

  private static let version: UInt8 = 1

  init(_ place: Place, incarnation: UInt64) {
    var writer = ByteWriter()
    writer.uint8(Self.version)
    writer.uint64(incarnation)
    writer.uint32(place.tree)
    writer.append(place.key)
    bytes = writer.bytes
  }

  /// The place, for the volume that it is of; nil for another one, and for bytes that are no cursor.
  func place(incarnation: UInt64) -> Place? {
    var reader = ByteReader(bytes)
    do throws(ByteReader.Failure) {
      guard try reader.uint8() == Self.version, try reader.uint64() == incarnation else { return nil }
      return Place(tree: try reader.uint32(), key: try reader.bytes(count: reader.remaining))
    } catch {
      return nil
    }
  }
}
