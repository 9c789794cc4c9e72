/// One crash, as a replay string names it: the point and the subset, and those of crashes inside its recovery.
struct CrashPlace: Equatable, CustomStringConvertible {
  /// `POINT.SUBSET` for each level, outermost first.
  var levels: [Level] = []

  struct Level: Equatable {
    var point: Int
    var subset: String
  }

  init() {}

  /// Reads what `description` prints.
  init(parsing text: String) throws {
    for part in text.split(separator: "+") {
      let halves = part.split(separator: ".", maxSplits: 1)
      guard halves.count == 2, let point = Int(halves[0]) else { throw LabError("\(text) is no place of a crash") }
      levels.append(Level(point: point, subset: String(halves[1])))
    }
  }

  func adding(_ point: Int, _ subset: String) -> CrashPlace {
    var place = self
    place.levels.append(Level(point: point, subset: subset))
    return place
  }

  /// Whether the other one is this one, or a crash inside its recovery.
  func isPrefix(of other: CrashPlace) -> Bool {
    levels.count <= other.levels.count && levels == Array(other.levels[..<levels.count])
  }

  var description: String { levels.map { "\($0.point).\($0.subset)" }.joined(separator: "+") }
}
