// Every method of the SDK's groups for lab testing, with the schema of its responses or the reason why the suite does
// not call it.
import * as s from "@junction-api/sdk/serialization";

interface Schema {
  parse(raw: unknown, options: object): { ok: boolean; errors?: { path: string[]; message: string }[] };
}

// Responses without a schema.
export const pdf = Symbol("a PDF");
export const anything = Symbol("any JSON");
export const nothing = Symbol("no body");

export const methods: Record<string, Schema | symbol> = {
  "user.create": s.ClientFacingUser,
  "user.get": s.ClientFacingUser,
  "user.getAll": s.PaginatedUsersResponse,
  "user.getByClientUserId": s.ClientFacingUser,
  "user.patch": nothing,
  "user.upsertUserInfo": s.UserInfo,
  "user.getLatestUserInfo": s.UserInfo,
  "user.delete": s.UserSuccessResponse,
  "user.undoDelete": s.UserSuccessResponse,

  "user.createInsurance": s.ClientFacingInsurance,
  "user.getLatestInsurance": s.ClientFacingInsurance,
  "insurance.searchGetPayorInfo": s.insurance.searchGetPayorInfo.Response,
  "insurance.searchPayorInfo": s.insurance.searchPayorInfo.Response,
  "insurance.searchDiagnosis": s.insurance.searchDiagnosis.Response,
  "labTests.validateIcdCodes": s.ValidateIcdCodesResponse,
  "payor.createPayor": s.ClientFacingPayor,
  "team.getPhysicians": s.team.getPhysicians.Response,
  "labAccount.getTeamLabAccounts": s.GetTeamLabAccountsResponse,

  "labTests.get": s.labTests.get.Response,
  "labTests.getPaginated": s.LabTestResourcesResponse,
  "labTests.getById": s.ClientFacingLabTest,
  "labTests.create": s.ClientFacingLabTest,
  "labTests.updateLabTest": s.ClientFacingLabTest,
  "labTests.getLabs": s.labTests.getLabs.Response,
  "labTests.getMarkers": s.GetMarkersResponse,
  "labTests.getMarkersForOrderSet": s.GetMarkersResponse,
  "labTests.getMarkersForLabTest": s.GetMarkersResponse,
  "labTests.getMarkersByLabAndProviderId": s.ClientFacingMarker,

  "labTests.createOrder": s.PostOrderResponse,
  "labTests.importOrder": s.PostOrderResponse,
  "labTests.getOrder": s.ClientFacingOrder,
  "labTests.getOrders": s.GetOrdersResponse,
  "labTests.updateOrder": s.PostOrderResponse,
  "labTests.cancelOrder": s.PostOrderResponse,
  "labTests.simulateOrderProcess": anything,
  "labTests.updateOnSiteCollectionOrderDrawCompleted": s.PostOrderResponse,
  "order.resendEvents": s.ResendWebhookResponse,
  "testkit.createOrder": s.PostOrderResponse,
  "testkit.register": s.PostOrderResponse,

  "labTests.getResultRaw": s.LabResultsRaw,
  "labTests.getResultMetadata": s.LabResultsMetadata,
  "labTests.getResultPdf": pdf,
  "labTests.getOrderRequistionPdf": pdf,
  "labTests.getLabelsPdf": pdf,
  "labTests.getOrderAbnPdf": pdf,
  "labTests.getOrderCollectionInstructionPdf": pdf,
  "labTests.getLabTestCollectionInstructionPdf": pdf,
  "orderTransaction.getTransaction": s.GetOrderTransactionResponse,
  "orderTransaction.getTransactionResult": s.LabResultsRaw,
  "orderTransaction.getTransactionResultPdf": pdf,

  "labTests.getPhlebotomyAppointmentAvailability": s.AppointmentAvailabilitySlots,
  "labTests.bookPhlebotomyAppointment": s.ClientFacingAppointment,
  "labTests.requestPhlebotomyAppointment": s.ClientFacingAppointment,
  "labTests.reschedulePhlebotomyAppointment": s.ClientFacingAppointment,
  "labTests.cancelPhlebotomyAppointment": s.ClientFacingAppointment,
  "labTests.getPhlebotomyAppointmentCancellationReason": s.labTests.getPhlebotomyAppointmentCancellationReason.Response,
  "labTests.getPhlebotomyAppointment": s.ClientFacingAppointment,
  "labTests.getPscAppointmentAvailability": s.AppointmentAvailabilitySlots,
  "labTests.bookPscAppointment": s.ClientFacingAppointment,
  "labTests.reschedulePscAppointment": s.ClientFacingAppointment,
  "labTests.cancelPscAppointment": s.ClientFacingAppointment,
  "labTests.getPscAppointmentCancellationReason": s.labTests.getPscAppointmentCancellationReason.Response,
  "labTests.getPscAppointment": s.ClientFacingAppointment,

  "labTests.getAreaInfo": s.AreaInfo,
  "labTests.getPscInfo": s.PscInfo,
  "labTests.getOrderPscInfo": s.PscInfo,

  "labTests.listUnmatchedResultTestCases": s.ListUnmatchedResultTestCasesResponse,
  "labTests.createUnmatchedResultTest": s.CreateUnmatchedResultTestResponse,
  "labTests.getUnmatchedResultTest": s.GetUnmatchedResultTestResponse,
  "labTests.listUnmatchedResults": s.ListUnmatchedResultResponse,
  "labTests.getUnmatchedResult": s.GetUnmatchedResultResponse,
  "labTests.acceptUnmatchedResult": s.ClientFacingOrder,
  "labTests.resolveUnmatchedResult": s.UnmatchedResult,
};

// The route after this text must not exist in Aliquot; {} stands for a parameter.
export const noRoute = "no route yet: ";
const wearables = "about wearables, not about lab testing";

export const notCalled: Record<string, string> = {
  "user.getTeamMetrics": wearables,
  "user.getConnectedProviders": wearables,
  "user.deregisterProvider": wearables,
  "user.refresh": wearables,
  "user.getDevices": wearables,
  "user.getDevice": wearables,
  "user.getUserSignInToken": wearables,
  "user.createPortalUrl": wearables,
  "team.getSourcePriorities": wearables,
  "team.updateSourcePriorities": wearables,
  "team.get": noRoute + "GET /v2/team/{}",
  "team.getUserById": noRoute + "GET /v2/team/users/search",
  "team.getSvixUrl": noRoute + "GET /v2/team/svix/url",
};

// Paths of keys that Aliquot sends and the SDK does not have. A star stands for the index of a list.
export const extras = [
  /results\.\*\.value$/, // deprecated, still sent (client-api#conflict-17)
  /^(orders?\.(\*\.)?)?sequence$/, // an addition for ordering webhooks (docs/webhooks.md)
];
