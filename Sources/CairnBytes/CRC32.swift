/// CRC-32, the one of zlib, gzip and Ethernet (polynomial 0xEDB88320, reflected).
///
/// The checksum of everything that Cairn stores in blocks and in its journal. Hosts take it from the system's zlib, a
/// canister from a table of our own (``portableChecksum(_:seed:)``); both give the same result.
package enum CRC32 {
  /// The checksum of `bytes`. With `seed`, the checksum of what came before, the checksum of both together.
  package static func checksum(_ bytes: RawSpan, seed: UInt32 = 0) -> UInt32 {
    #if SystemZlib
      systemChecksum(bytes, seed: seed)
    #else
      portableChecksum(bytes, seed: seed)
    #endif
  }

  /// The checksum of `bytes`. With `seed`, the checksum of what came before, the checksum of both together.
  package static func checksum(_ bytes: Span<UInt8>, seed: UInt32 = 0) -> UInt32 {
    checksum(unsafe bytes.bytes, seed: seed)
  }
}
