internal import ArgumentParser
internal import CairnBlocks
internal import CairnObjects
internal import CairnVolumes

/// In which volume of objects a command's buckets are.
struct VolumeOption: ParsableArguments {
  @Option(help: ArgumentHelp("The volume of objects that the buckets are in.", valueName: "name"))
  var volume = ObjectVolume.defaultName

  /// The volume.
  func objects(in transaction: Transaction) throws(StorageError) -> ObjectVolume {
    try transaction.objects(volume)
  }

  /// A bucket of the volume.
  func bucket(_ name: String, in transaction: Transaction) throws(StorageError) -> Bucket {
    try transaction.bucket(name, volume: volume)
  }
}
