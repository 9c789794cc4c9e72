internal import ArgumentParser
internal import CairnBlocks
internal import CairnDisks
internal import CairnMaps
internal import CairnMemory
internal import CairnObjects
internal import CairnTables
internal import CairnVolumes

/// What every command on a store takes: the image, and who is calling.
struct StoreArguments: ParsableArguments {
  @Argument(help: "The image: a file.")
  var image: ArgumentBytes

  @Option(name: .customLong("as"), help: "Act as this principal; without it as the owner. Text, or 0x and hexadecimal.")
  var principal: PrincipalArgument?

  /// Opens the image for reading. Not a byte of it changes, and nobody can write it meanwhile.
  func reading<Result>(_ body: (Store) throws -> Result) throws -> Result {
    try opened(for: .readOnly, body)
  }

  /// Opens the image for reading and writing.
  func writing<Result>(_ body: (Store) throws -> Result) throws -> Result {
    try opened(for: .readWrite, body)
  }

  /// Turns what the store says into what a person reads.
  func explaining<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as StorageError {
      throw Failure(error, image: image.path)
    } catch let error as MemoryError {
      throw Failure(.memory(error), image: image.path)
    }
  }

  /// How the store is to be opened.
  func options(isReadOnly: Bool) throws(StorageError) -> StoreOptions {
    var options = StoreOptions(
      filesystems: [ObjectFilesystem(), DiskFilesystem(), MapFilesystem(), TableFilesystem()])
    options.principal = if let principal { try Principal(principal.bytes) } else { nil }
    options.device.isReadOnly = isReadOnly
    return options
  }

  private func opened<Result>(for mode: FileMemory.Mode, _ body: (Store) throws -> Result) throws -> Result {
    try explaining {
      let memory = try FileMemory.open(path: try image.path.string, mode: mode)
      defer { memory.close() }
      return try Store.open(on: memory, options: try options(isReadOnly: mode == .readOnly)).closing(body)
    }
  }
}

extension Store {
  /// Runs `body` and closes the store behind it. When both fail, the first failure is the one to hear of.
  func closing<Result>(_ body: (Store) throws -> Result) throws -> Result {
    let result: Result
    do {
      result = try body(self)
    } catch {
      try? close()
      throw error
    }
    try close()
    return result
  }

  /// Runs `body` on the state of this moment.
  func view<Result>(_ body: (Transaction) throws -> Result) throws -> Result {
    let snapshot = try snapshot()
    defer { snapshot.end() }
    return try body(snapshot.transaction)
  }

  /// Runs `body` in one call of the multi-call transaction `id`, or in a transaction of its own when there is none.
  /// Whatever `body` throws undoes what it did, and comes out as it is.
  func change<Result>(in id: TransactionID?, _ body: (Transaction) throws -> Result) throws -> Result {
    var cause: (any Error)?
    let step = { (transaction: Transaction) throws(StorageError) -> Result in
      do {
        return try body(transaction)
      } catch let error as StorageError {
        throw error
      } catch {
        cause = error
        throw StorageError.transactionFailed
      }
    }
    do throws(StorageError) {
      if let id { return try resume(id, step) }
      return try transaction(step)
    } catch {
      throw cause ?? error
    }
  }
}
