/** Service tags that Azure lists for NSG rules (learn.microsoft.com, service-tags-overview); most also exist per region, `Storage.WestEurope`. */
const serviceTags = new Set(
  `ActionGroup ApiManagement AppConfiguration AppService AppServiceManagement AzureActiveDirectory
  AzureActiveDirectoryDomainServices AzureAdvancedThreatProtection AzureArcInfrastructure AzureAttestation AzureBackup
  AzureBotService AzureCloud AzureCognitiveSearch AzureConnectors AzureContainerAppsService AzureContainerRegistry
  AzureCosmosDB AzureDatabricks AzureDataExplorerManagement AzureDataLake AzureDeviceUpdate AzureDevOps AzureDevSpaces
  AzureDigitalTwins AzureEventGrid AzureFrontDoor AzureHealthcareAPIs AzureInformationProtection AzureIoTHub
  AzureKeyVault AzureLoadBalancer AzureMachineLearning AzureMonitor AzureOpenDatasets AzurePlatformDNS
  AzurePlatformIMDS AzurePlatformLKM AzureResourceManager AzureSecurityCenter AzureSentinel AzureSignalR
  AzureSiteRecovery AzureSphere AzureSpringCloud AzureStack AzureTrafficManager AzureUpdateDelivery AzureWebPubSub
  BatchNodeManagement ChaosStudio CognitiveServicesFrontend CognitiveServicesManagement DataFactory
  DataFactoryManagement Dynamics365BusinessCentral EOPExternalPublishedIPs EventHub GatewayManager GenevaActions Grafana
  GuestAndHybridManagement HDInsight Internet KustoAnalytics LogicApps LogicAppsManagement M365ManagementActivityApi
  Marketplace MicrosoftAzureFluidRelay MicrosoftCloudAppSecurity MicrosoftContainerRegistry
  MicrosoftDefenderForEndpoint OneDsCollector PowerBI PowerPlatformInfra PowerPlatformPlex PowerQueryOnline SCCservice
  ServiceBus ServiceFabric Sql SqlManagement Storage StorageMover StorageSyncService VideoIndexer VirtualDesktop
  VirtualNetwork WindowsAdminCenter WindowsVirtualDesktop`
    .toLowerCase()
    .split(/\s+/),
);

export function isServiceTag(text: string): boolean {
  const [tag = "", ...region] = text.toLowerCase().split(".");
  return serviceTags.has(tag) && region.every((part) => /^[a-z0-9]+$/.test(part));
}
