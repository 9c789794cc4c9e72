/// What a principal may do. Each right contains the ones before it.
public struct Rights: OptionSet, Hashable, Sendable, CustomStringConvertible {
  /// One bit a right; bits 3 to 31 are free for finer ones.
  public let rawValue: UInt32

  /// Rights by their bits.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Look at things.
  public static let read = Rights(rawValue: 1)
  /// Change things, and read them.
  public static let write = Rights(rawValue: 2 | read.rawValue)
  /// Grant rights, make and remove volumes, and everything else.
  public static let admin = Rights(rawValue: 4 | write.rawValue)

  /// The widest right by name, `read`, `write` or `admin`; `none` without any.
  public var description: String {
    if contains(.admin) { return "admin" }
    if contains(.write) { return "write" }
    return contains(.read) ? "read" : "none"
  }
}

/// What a grant is for.
public enum GrantScope: Hashable, Sendable {
  /// The whole store: every volume, and the catalog.
  case store
  /// One volume.
  case volume(VolumeID)
}

/// A right that a principal was given.
public struct Grant: Hashable, Sendable {
  /// Who has it.
  public let principal: Principal
  /// For what.
  public let scope: GrantScope
  /// What they may do there.
  public let rights: Rights

  /// A right for a principal.
  public init(principal: Principal, scope: GrantScope, rights: Rights) {
    self.principal = principal
    self.scope = scope
    self.rights = rights
  }
}
