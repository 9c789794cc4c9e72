/// How an image is laid out when it is made. Nothing of this can change later, but the size, which can grow.
public struct FormatOptions: Sendable {
  /// Bytes of a block: a power of two, 512...65536.
  public var blockByteCount: Int
  /// Bytes of the journal ring; nil: 1/64 of the device, between 1 MiB and 64 MiB.
  public var journalByteCount: UInt64?
  /// Checkpoint batches in flight at one time; nil: four, fewer on a small device.
  public var imageSlotCount: Int?
  /// Blocks of one checkpoint batch; nil: 128, fewer on a small device.
  public var imageSlotBlockCount: Int?
  /// Asks the memory for more when the device is full; otherwise it grows only when told to.
  public var growsByItself: Bool
  /// Formats over an existing image, whose contents are lost.
  public var overwrites: Bool

  /// Options with the defaults of a new image.
  public init(
    blockByteCount: Int = 4096, journalByteCount: UInt64? = nil, imageSlotCount: Int? = nil,
    imageSlotBlockCount: Int? = nil, growsByItself: Bool = false, overwrites: Bool = false
  ) {
    self.growsByItself = growsByItself
    self.blockByteCount = blockByteCount
    self.journalByteCount = journalByteCount
    self.imageSlotCount = imageSlotCount
    self.imageSlotBlockCount = imageSlotBlockCount
    self.overwrites = overwrites
  }
}

/// How an image is opened.
public struct OpenOptions: Sendable {
  /// Nothing is written; what recovery would do is done in memory.
  public var isReadOnly: Bool
  /// What the device says of itself is used as far as it verifies, and opening fails for nothing else but the superblocks.
  /// Only with `isReadOnly`.
  package var isSalvaging = false
  /// Bytes that cached blocks may take.
  public var memoryBudget: Int
  /// Bytes that data outside of trees may take in memory once they are read and verified, beside `memoryBudget`: what is read
  /// again is then neither read nor verified again. 0, the default: none is kept, and each read verifies what it gives.
  public var dataBudget = 0
  /// Checks the contents of a block of a kind when it enters the cache; false: the block is damaged. The bytes include
  /// the header. Runs on every load, so it must be quick and must never trap.
  public var validator: @Sendable (_ kind: BlockKind, _ block: BlockBytes, _ byteCount: Int) -> Bool
  /// Asked before every larger allocation: each frame of the cache, and each buffer whose size a stored number or a caller
  /// decides. False: the call fails with `allocationRefused` and has changed nothing. So a program can hold the engine to
  /// what it has left, and a test can run out of memory wherever it likes. It must be quick and must not call the store.
  public var admitsAllocation: @Sendable (_ byteCount: UInt64) -> Bool = { $0 <= OpenOptions.allocationByteCountMax }

  /// The largest single allocation that is admitted by default: 4 GiB (256 MiB on wasm).
  public static var allocationByteCountMax: UInt64 {
    #if arch(wasm32)
      256 << 20
    #else
      4 << 30
    #endif
  }

  /// Options with a budget of 256 MiB (64 MiB on wasm).
  public init(
    isReadOnly: Bool = false, memoryBudget: Int? = nil,
    validator: @escaping @Sendable (_ kind: BlockKind, _ block: BlockBytes, _ byteCount: Int) -> Bool = { _, _, _ in
      true
    }
  ) {
    self.isReadOnly = isReadOnly
    #if arch(wasm32)
      self.memoryBudget = memoryBudget ?? 64 << 20
    #else
      self.memoryBudget = memoryBudget ?? 256 << 20
    #endif
    self.validator = validator
  }
}

extension OpenOptions {
  /// Throws unless an allocation is admitted.
  func admit(_ byteCount: Int) throws(StorageError) {
    guard admitsAllocation(UInt64(byteCount)) else { throw .allocationRefused(byteCount: UInt64(byteCount)) }
  }
}
