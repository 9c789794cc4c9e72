/// Which volume of a store: 0...254. Ids are handed out smallest first and come back when a volume is removed.
public struct VolumeID: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The number, 0...254.
  public let rawValue: UInt8

  /// The volume with this number; nil for 255, which is the store's own catalog.
  public init?(rawValue: UInt8) {
    guard rawValue != Self.catalogValue else { return nil }
    self.rawValue = rawValue
  }

  private init(catalog: Void) {
    rawValue = Self.catalogValue
  }

  private static let catalogValue: UInt8 = 255

  /// The store's own catalog, where it stands in records beside volumes.
  static let catalog = VolumeID(catalog: ())

  /// The byte on the device; 255 is the catalog.
  init(byte: UInt8) {
    self = VolumeID(rawValue: byte) ?? .catalog
  }

  /// By their numbers.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  /// The number in decimal.
  public var description: String { "\(rawValue)" }
}

extension VolumeID: ExpressibleByIntegerLiteral {
  /// A volume that a program numbers itself, 0...254; 255 is a programmer's error.
  public init(integerLiteral number: UInt8) {
    guard let id = VolumeID(rawValue: number) else { preconditionFailure("volume 255 is the store's own catalog") }
    self = id
  }
}
